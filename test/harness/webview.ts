// A webview's page alone in Chromium: the bundle of dist/webview, a stub of VS Code's side, and VS Code's colours.
//
//   import { expect, openPage, test } from '../harness/webview.ts'
//   test('draws', async ({ page }) => {
//     const explorer = await openPage(page, { script: 'mapping.js', style: 'mapping.css', body: '<main></main>' })
//     await explorer.send({ ... })                       // as webview.postMessage of the extension
//     expect(await explorer.received()).toEqual([...])   // what the page posted to the extension
//   })
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { type Page, expect, test } from '@playwright/test'
import { dist } from '../../scripts/paths.ts'
import themes from './themes.json' with { type: 'json' }

export { expect, test }

export interface PageOptions {
  /** File of dist/webview with the page's script, an ES module. */
  readonly script: string
  readonly style?: string
  readonly body?: string
  /** Elements for the document's head, e.g. a policy or data for the script. */
  readonly head?: string
  readonly theme?: keyof typeof themes
  /** What getState gives at first, as after a reload of the window. */
  readonly state?: unknown
}

export interface OpenPage {
  send(message: unknown): Promise<void>
  received(): Promise<readonly unknown[]>
  /** The last state that the page kept with setState. */
  state(): Promise<unknown>
}

const origin = 'http://webview.test'

export async function openPage(page: Page, options: PageOptions): Promise<OpenPage> {
  const theme = themes[options.theme ?? 'dark']
  const style = options.style === undefined ? '' : `<link rel="stylesheet" href="${origin}/${options.style}">`
  const variables = Object.entries(theme.variables).map(([name, value]) => `${name}: ${value}`).join('; ')
  const html = `<!doctype html><html lang="en" style="${variables.replaceAll('"', '&quot;')}">
<head><meta charset="utf-8"><title>webview</title>${style}${options.head ?? ''}
<script>
  window.heddleTest = { received: [], state: ${options.state === undefined ? 'undefined' : JSON.stringify(options.state)} }
  window.acquireVsCodeApi = () => ({
    postMessage: message => { window.heddleTest.received.push(structuredClone(message)) },
    setState: state => (window.heddleTest.state = structuredClone(state)),
    getState: () => window.heddleTest.state
  })
</script></head>
<body class="${theme.bodyClass}" data-vscode-theme-kind="${theme.bodyClass}">${options.body ?? ''}
<script type="module" src="${origin}/${options.script}"></script></body></html>`
  await page.route(`${origin}/**`, route => {
    const name = new URL(route.request().url()).pathname
    if (name === '/') return route.fulfill({ contentType: 'text/html', body: html })
    const contentType = name.endsWith('.css') ? 'text/css' : 'text/javascript'
    return route.fulfill({ contentType, body: readFileSync(path.join(dist, 'webview', name)) })
  })
  await page.goto(`${origin}/`)
  return {
    send: message => page.evaluate(data => { window.postMessage(data, '*') }, message),
    received: () => page.evaluate(() => window.heddleTest.received),
    state: () => page.evaluate(() => window.heddleTest.state)
  }
}

declare global {
  interface Window { heddleTest: { received: unknown[]; state: unknown } }
}
