import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Browser } from 'playwright-core'
import { openBrowser, openPage } from './browser.ts'
import { freePort } from './free-port.ts'
import { startPreparedRun } from './prepared-run.ts'

describe('the page over time, and with many', () => {
  let browser: Browser

  before(async () => {
    browser = await openBrowser()
  })
  after(() => browser?.close())

  test('when the node goes that is said, and when it is back the page is live again by itself', async () => {
    const port = await freePort()
    const first = await startPreparedRun(port)
    const { page, strangers, close } = await openPage(browser, first.url)
    await page.locator('.pill', { hasText: 'live' }).waitFor()
    await first.stop()
    await page.locator('.banner').waitFor()
    assert.match((await page.locator('#status').textContent()) ?? '', /connection to the node is lost/)
    // What was known stays in sight.
    assert.equal(await page.locator('#domain-title').textContent(), 'bot.localhost')
    const second = await startPreparedRun(port)
    try {
      await page.locator('.pill', { hasText: 'live' }).waitFor()
      await page.locator('.banner').waitFor({ state: 'detached' })
      await page.getByRole('button', { name: 'bucket 4 has no holder' }).waitFor()
      assert.deepEqual(strangers, [])
    } finally {
      await close()
      await second.stop()
    }
  })

  test('with a thousand domains, ten thousand instances and a thousand buckets no more is drawn than one can look at', async () => {
    const run = await startPreparedRun()
    const context = await browser.newContext()
    const page = await context.newPage()
    const ask = async (path: string) => (await fetch(new URL(path, run.url))).json() as Promise<Record<string, unknown>>
    const overview = (await ask('v1/overview')) as { domains: Record<string, unknown>[] }
    const detail = await ask('v1/domains/bot.localhost')
    const [instance] = (detail as { members: Record<string, unknown>[] }).members
    const many = <T>(count: number, make: (at: number) => T): T[] => Array.from({ length: count }, (_, at) => make(at))
    const free = { bucket: 17, last: 'instance-17', held: { stanzas: 1, bytes: 1 } }
    const domains = many(1000, (at) => ({
      ...overview.domains[0],
      name: `d${at}.localhost`,
      bucketsUnassigned: 1,
      unassigned: [free],
    }))
    const items = many(10_000, (at) => ({ ...instance, name: `instance-${at}`, bucket: at < 1000 ? at : null }))
    const buckets = many(1000, (bucket) => ({ bucket, holder: bucket === 17 ? null : `instance-${bucket}` }))
    await page.route('**/v1/overview', (route) => route.fulfill({ json: { ...overview, domains } }))
    await page.route('**/v1/domains/*', (route) =>
      route.fulfill({ json: { ...detail, name: 'd0.localhost', buckets } }),
    )
    await page.route('**/v1/domains/*/instances', (route) => route.fulfill({ json: { items } }))
    try {
      await page.goto(run.url)
      await page.getByRole('button', { name: /d0\.localhost bucket 17 has no holder/ }).waitFor()
      // The finding is there before the domain itself has come.
      await page.locator('.strip [role=option]').last().waitFor()
      assert.equal(await page.locator('.strip [role=option]').count(), 1000)
      assert.equal(await page.locator('table.instances tbody tr').count(), 50)
      assert.equal(await page.locator('.domains li').count(), 100)
      assert.ok((await page.evaluate(() => document.querySelectorAll('*').length)) < 6000)
      await page.getByLabel('Filter instances').fill('instance-9999')
      await page.getByRole('rowheader', { name: 'instance-9999' }).waitFor()
      await page.getByLabel('Filter domains').fill('d777')
      await page.getByRole('link', { name: /d777\.localhost/ }).click()
      await page.waitForURL(/#\/d777\.localhost$/)
      await page.goBack()
    } finally {
      await context.close()
      await run.stop()
    }
  })

  test('where there are no buckets the weights stand in their place, and the canary says what it gets', async () => {
    const run = await startPreparedRun()
    const context = await browser.newContext()
    const page = await context.newPage()
    const detail = (await (await fetch(new URL('v1/domains/bot.localhost', run.url))).json()) as {
      members: Record<string, unknown>[]
    }
    const { members } = detail
    const weights = [2.5, 1, null]
    const items = ['blue', 'green', 'next'].map((name, at) => ({
      ...members[0],
      ...{ name, bucket: null, weight: weights[at] },
    }))
    const canary = { instance: 'next', percent: 5 }
    await page.route('**/v1/domains/*', (route) => route.fulfill({ json: { ...detail, buckets: [], canary } }))
    await page.route('**/v1/domains/*/instances', (route) => route.fulfill({ json: { items } }))
    try {
      await page.goto(run.url)
      await page.getByRole('columnheader', { name: 'Weight' }).waitFor()
      const cells = page.locator('td[data-label=Weight]')
      assert.deepEqual((await cells.allTextContents()).sort(), ['1', '2.5', 'canary 5 %'])
    } finally {
      await context.close()
      await run.stop()
    }
  })
})
