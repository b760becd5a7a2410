// Fills in forms with the real form-js of our pages and says what it submits: first as they are opened, then with what
// somebody enters.
async (cases) => {
  const frame = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 0)));
  const quiet = async (elements) => {
    let before = '', same = 0;
    for (let round = 0; same < 5 && round < 200; round += 1) {
      await frame();
      const now = JSON.stringify(elements.map(({ form }) => form._getState().data));
      same = now === before ? same + 1 : 0;
      before = now;
    }
  };
  const said = ({ form }) => {
    try {
      const { data, errors } = form.submit();
      return JSON.parse(JSON.stringify({ data, errors }));
    } catch (error) {
      return { failed: String(error) };
    }
  };
  const elements = cases.map(({ schema, data }) => {
    const element = document.createElement('camunda-form');
    element.setAttribute('schema', JSON.stringify(schema));
    element.setAttribute('data', JSON.stringify(data));
    document.body.append(element);
    return element;
  });
  await quiet(elements);
  const opened = elements.map(said);
  for (let turn = 0; turn < 2; turn += 1) {
    elements.forEach(({ form }, index) => {
      const language = form.get('expressionLanguage');
      for (const instance of Object.values(form.get('formFieldInstanceRegistry').getAllKeyed())) {
        const field = form.get('formFieldRegistry').get(instance.id);
        const { data, ...special } = instance.expressionContextInfo;
        // Whoever sits at the browser cannot change what is inside a group that is disabled or readonly either.
        let fixed = false;
        for (let at = field; at; at = form.get('formFieldRegistry').get(at._parent)) {
          fixed ||= at.disabled || (typeof at.readonly === 'string'
            ? language.evaluateUnaryTest(at.readonly, { ...special, ...data }) === true : at.readonly);
        }
        if (fixed || !(instance.id in cases[index].entered)) continue;
        form._update({ fieldInstance: instance, value: cases[index].entered[instance.id] });
      }
    });
    await quiet(elements);
  }
  const entered = elements.map(said);
  elements.forEach((element) => { element.form.destroy(); element.remove(); });
  return cases.map((_, index) => ({ opened: opened[index], entered: entered[index] }));
}
