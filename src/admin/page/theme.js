// Before the first paint, so that nobody who has chosen dark is shown light for a moment: hence no module.
;(() => {
  let chosen = null
  try {
    chosen = localStorage.getItem('switchyard-theme')
  } catch {
    // Storage is forbidden: the system's choice holds.
  }
  if (chosen === 'dark' || chosen === 'light') document.documentElement.dataset.theme = chosen
})()
