// node --import tsx test/page/screenshots.ts: the pictures of the prepared run in docs/, for who has changed the page.
import { mkdirSync } from 'node:fs'
import type { Page } from 'playwright-core'
import { openBrowser, openPage } from './browser.ts'
import { startPreparedRun, token } from './prepared-run.ts'

/** Until the curves show something, and what is slow is known to be; milliseconds. */
const WARM_UP = 30_000

mkdirSync('docs', { recursive: true })
const run = await startPreparedRun()
const browser = await openBrowser()
try {
  const { page } = await openPage(browser, run.url)
  await page.setViewportSize({ width: 1280, height: 1180 })
  await page.waitForTimeout(WARM_UP)
  await shoot(page, 'page')
  await page.emulateMedia({ colorScheme: 'dark' })
  await redrawn(page)
  await shoot(page, 'page-dark')
  await page.emulateMedia({ colorScheme: 'light' })
  await page.locator('#keys').getByRole('button', { name: 'Sample' }).click()
  await page.getByRole('dialog').getByLabel('Token').fill(token)
  await page.keyboard.press('Enter')
  await page.locator('#keys .verdict').waitFor()
  await page.locator('#preview').getByLabel('Criterion').selectOption('source')
  await page.locator('#preview').getByRole('button', { name: 'Preview' }).click()
  await page.locator('#preview .verdict').waitFor()
  await page.getByLabel('From').fill('monitor@users.localhost/feed')
  await page.getByLabel('To', { exact: true }).fill('log@bot.localhost')
  await page.getByRole('button', { name: 'Explain' }).click()
  await page.locator('#explained .verdict').waitFor()
  await page.locator('.tools').screenshot({ path: 'docs/page-keys.png' })
  await page.setViewportSize({ width: 360, height: 1400 })
  await page.evaluate(() => scrollTo(0, 0))
  await redrawn(page)
  await shoot(page, 'page-phone')
} finally {
  await browser.close()
  await run.stop()
}

/** The next look has been drawn. */
async function redrawn(page: Page): Promise<void> {
  for (let looks = 0; looks < 2; looks++) await page.waitForResponse(/overview/)
}

async function shoot(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: `docs/${name}.png` })
}
