import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { openBrowser, openPage, type Watched } from './browser.ts'
import { hidden, type PreparedRun, startPreparedRun, token } from './prepared-run.ts'

describe('tuning on the page', () => {
  let run: PreparedRun
  let browser: Browser
  let watched: Watched
  let page: Page

  before(async () => {
    ;[run, browser] = await Promise.all([startPreparedRun(), openBrowser()])
    watched = await openPage(browser, run.url)
    page = watched.page
  })
  after(async () => {
    await watched?.close()
    await browser?.close()
    await run?.stop()
  })

  test('a sample names the hot key, its bucket and its instance', async () => {
    const keys = page.locator('#keys')
    await keys.getByLabel('Look at the traffic for').selectOption('3 seconds')
    await keys.getByRole('button', { name: 'Sample' }).click()
    await page.getByRole('dialog').getByLabel('Token').fill(token)
    await page.keyboard.press('Enter')
    await keys.locator('.verdict', { hasText: hidden.hotKey }).waitFor()
    assert.match((await keys.locator('.verdict').textContent()) ?? '', /alone makes \d\d % of the traffic/)
    const first = (await keys.locator('tbody tr').first().textContent()) ?? ''
    assert.match(first, new RegExp(`${hidden.hotKey}.*%\\s*1\\s*blue`, 's'))
  })

  test('a preview says what would move, and shows the shares of both, from the same sample', async () => {
    const preview = page.locator('#preview')
    await preview.getByText(/From the sample of/).waitFor()
    await preview.getByLabel('Criterion').selectOption('source')
    await preview.getByLabel('Buckets').fill('5')
    await preview.getByRole('button', { name: 'Preview' }).click()
    await preview.locator('.verdict', { hasText: /of the traffic and .* keys .* would move/ }).waitFor()
    assert.match((await preview.getByRole('table').last().textContent()) ?? '', /Proposed: source, 5 buckets/)
    assert.equal(await preview.getByRole('table').last().locator('tbody tr').count(), 5)
    assert.match((await preview.getByRole('table').first().textContent()) ?? '', /Now: bare_source, 6 buckets/)
  })

  test('of what would be shared out at random nobody can say where it goes; and nothing went wrong', async () => {
    const preview = page.locator('#preview')
    await preview.getByLabel('Criterion').selectOption('random')
    await preview.getByLabel('Buckets').fill('')
    await preview.getByRole('button', { name: 'Preview' }).click()
    await preview.locator('.verdict', { hasText: /No key stays with an instance/ }).waitFor()
    const shares = await preview.getByRole('table').last().locator('tbody td:last-child').allTextContents()
    // Five instances: even, however heavy one key is.
    assert.deepEqual(
      shares.map((text) => text.trim()),
      Array(5).fill('20 %'),
    )
    assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'Preview')
    assert.deepEqual([...watched.errors, ...watched.refusals, ...watched.strangers], [])
  })
})
