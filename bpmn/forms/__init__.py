"""Forms: what people fill in for a user task or to start an instance, read and checked without a browser.

`definition` is what a diagram says about a form; `reading` reads Camunda Forms (`.form` files and those embedded in a
diagram); `submission` decides what of somebody's answer is taken and what is wrong with it; `generated` does the same
for the form fields that Camunda 7 keeps in the diagram. `docs/FORMS.md` lists what is supported.
"""
