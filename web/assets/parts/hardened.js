// The prototypes that all objects of a page share cannot be given anything: what a variable, a form or a diagram calls
// "__proto__" is a name like any other, in our scripts and in the libraries that they bring, and what finds its way to a
// prototype by "constructor" changes nothing there (OWASP ASVS 5.0, 15.3.6). Imported first, before any of them runs.
//
// Not frozen: libraries give objects a toString or a constructor of their own, which a frozen prototype would forbid.
// Date is left out: flatpickr adds to it.
Object.defineProperty(Object.prototype, '__proto__', {
  get() { return Object.getPrototypeOf(this); },
  set(value) {
    Object.defineProperty(this, '__proto__', { value, writable: true, enumerable: true, configurable: true });
  },
});
for (const shared of [Object, Array, Function, String, Number, Boolean, Map, Set, Promise, RegExp, Error]) {
  Object.preventExtensions(shared.prototype);
}
