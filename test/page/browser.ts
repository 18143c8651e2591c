import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'

/** Debian's, which scripts/prepare.mjs installs. */
const CHROMIUM = '/usr/bin/chromium'
/** It asks nobody but the page's own origin: no updates, no tests of the network, no services of its maker. */
const quiet = [
  ...['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-background-networking'],
  ...['--disable-component-update', '--disable-sync', '--no-first-run', '--disable-extensions', '--mute-audio'],
]

/** How long the page may take to show what it should, in milliseconds: the machine may be busy. */
const PATIENCE_MILLISECONDS = 20_000

export function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, headless: true, args: quiet })
}

/** A page, and what must not happen on it. */
export interface Watched {
  readonly page: Page
  /** What the console reported as an error, and what nobody caught. */
  readonly errors: readonly string[]
  /** Answers that were refusals (4xx), which Chromium reports, too. */
  readonly refusals: readonly string[]
  /** Requests to anywhere but the page's own origin. */
  readonly strangers: readonly string[]
  close(): Promise<void>
}

/** Opens the page in a context of its own. */
export async function openPage(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Watched> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options })
  context.setDefaultTimeout(PATIENCE_MILLISECONDS)
  const page = await context.newPage()
  const errors: string[] = []
  const refusals: string[] = []
  const strangers: string[] = []
  page.on('console', (message) => {
    if (message.type() !== 'error') return
    const text = `${message.text()} (${message.location().url})`
    const isRefusal = text.includes('the server responded with a status of 4')
    ;(isRefusal ? refusals : errors).push(text)
  })
  page.on('pageerror', (error) => errors.push(error.message))
  context.on('request', (request) => {
    if (!request.url().startsWith(url)) strangers.push(request.url())
  })
  await page.goto(url)
  await page.locator('#domain-title').waitFor()
  return { page, errors, refusals, strangers, close: () => context.close() }
}
