// The mapping explorer's page in Chromium, from the browser's own trace. The work of a frame is all that the page's
// main thread does between two frames: scripts, style, layout, paint and the rest; never less than script + paint.
import type { Browser, Page } from '@playwright/test'
import type { ToPage } from '../../compiler-core/view/explorer.ts'
import type { Bench } from '../harness/bench.ts'
import { launchChromium } from '../harness/browser.ts'
import { openPage, type OpenPage } from '../harness/webview.ts'
import { mappings, show } from '../webview/subjects.ts'

const frames = 150, budget = 12

export default async function (bench: Bench): Promise<void> {
  const browser = await launchChromium()
  try {
    await keystrokes(bench, browser)
    await frameWork(bench, browser, 'scrub the steps of 256 x 256 cells, 1,024 workers', show(mappings.threads1024), 1,
      scrub)
    await frameWork(bench, browser, 'pan 1,048,576 cells', show(mappings.million), 2, drag)
    await frameWork(bench, browser, 'pan 1,048,576 cells, cells of 6 pixels', show(mappings.million), 10, drag)
    await frameWork(bench, browser, 'pan 32,768 x 32,768 cells', show(mappings.billion), 2, drag)
  } finally {
    await browser.close()
  }
}

/** From the message that shows a mapping to the frame after its picture was painted. */
async function keystrokes(bench: Bench, browser: Browser): Promise<void> {
  const { page, explorer } = await open(browser)
  for (const [name, one, other] of [
    ['128 x 128', mappings.block, mappings.blockTyped], ['256 x 256', mappings.threads1024, mappings.threads1024Typed]
  ] as const) {
    const times: number[] = []
    for (let i = 0; i < 40; i++) {
      const drawn = await drawnAfter(explorer, () => explorer.send(show(i % 2 === 0 ? one : other)))
      if (i >= 8) times.push(drawn)
    }
    bench.add(`message to picture, ${name} cells`, 'ms', times, { budget: 60 })
  }
  await page.context().close()
}

async function frameWork(bench: Bench, browser: Browser, name: string, subject: ToPage, zoom: number,
  act: (page: Page) => Promise<void>): Promise<void> {
  const { page, explorer } = await open(browser)
  await drawnAfter(explorer, () => explorer.send(subject))
  const picture = await page.locator('.picture').boundingBox()
  if (picture === null) throw new Error('no picture')
  await page.mouse.move(picture.x + picture.width / 2, picture.y + picture.height / 2)
  for (let z = 1; z < zoom; z *= 1.25) {
    await page.mouse.wheel(0, -160)
    await page.waitForTimeout(40)
  }
  await act(page) // warms up what is compiled at run time
  await page.waitForTimeout(400)
  await browser.startTracing(page,
    { categories: ['toplevel', 'cc', 'devtools.timeline', 'disabled-by-default-devtools.timeline'] })
  await act(page)
  const events = (JSON.parse((await browser.stopTracing()).toString()) as { traceEvents: TraceEvent[] }).traceEvents
  const { all, scriptAndPaint } = workOfFrames(events)
  bench.add(`${name}: script + paint of a frame`, 'ms', scriptAndPaint, { budget })
  bench.add(`${name}: main thread of a frame`, 'ms', all)
  await page.context().close()
}

async function open(browser: Browser): Promise<{ page: Page; explorer: OpenPage }> {
  const page = await (await browser.newContext({ viewport: { width: 1400, height: 900 } })).newPage()
  const explorer = await openPage(page, { script: 'mapping.js', style: 'mapping.css' })
  await page.waitForFunction(() => window.heddleTest.received.length > 0)
  return { page, explorer }
}

async function drawnAfter(explorer: OpenPage, act: () => Promise<void>): Promise<number> {
  const count = async () => (await explorer.received()).filter(isDrawn)
  const before = (await count()).length
  await act()
  for (;;) {
    const drawn = (await count())[before]
    if (drawn !== undefined) return drawn.milliseconds
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

function isDrawn(message: unknown): message is { milliseconds: number } {
  return typeof message === 'object' && message !== null && 'type' in message && message.type === 'drawn'
}

/** One step a frame. */
async function scrub(page: Page): Promise<void> {
  await page.evaluate(async count => {
    const slider = document.querySelector<HTMLInputElement>('.slider')
    if (slider === null) throw new Error('no slider')
    for (let i = 0; i < count; i++) {
      await new Promise(resolve => requestAnimationFrame(resolve))
      slider.value = String(i % (Number(slider.max) + 1))
      slider.dispatchEvent(new Event('input'))
    }
  }, frames)
}

/** Around in circles, a movement a frame, as the mouse would send it. */
async function drag(page: Page): Promise<void> {
  await page.evaluate(async count => {
    const picture = document.querySelector('.picture')
    if (picture === null) throw new Error('no picture')
    const box = picture.getBoundingClientRect()
    const at = (i: number) => ({
      bubbles: true, cancelable: true, view: window, button: 0, buttons: 1,
      clientX: box.left + box.width / 2 + 160 * Math.sin(i / 12), clientY: box.top + box.height / 2
        + 160 * Math.cos(i / 12)
    })
    picture.dispatchEvent(new MouseEvent('mousedown', at(0)))
    for (let i = 1; i <= count; i++) {
      await new Promise(resolve => requestAnimationFrame(resolve))
      window.dispatchEvent(new MouseEvent('mousemove', at(i)))
    }
    window.dispatchEvent(new MouseEvent('mouseup', at(count)))
  }, frames)
}

interface TraceEvent {
  readonly name: string
  readonly ph: string
  readonly ts: number
  readonly dur?: number
  readonly pid: number
  readonly tid: number
  readonly args?: { readonly name?: string }
}

/** Milliseconds a frame; a frame goes from one BeginMainFrame of the page to the next. */
function workOfFrames(events: readonly TraceEvent[]): { readonly all: number[]; readonly scriptAndPaint: number[] } {
  const starts = events.filter(event => event.name === 'ProxyMain::BeginMainFrame' && event.ph === 'X')
  const main = busiest(starts)
  const own = events.filter(event => event.pid === main.pid && event.tid === main.tid && event.ph === 'X')
  const times = starts.filter(event => event.pid === main.pid && event.tid === main.tid).map(event =>
    event.ts).sort((a, b) => a - b)
  const sum = (names: ReadonlySet<string>) => {
    const totals = new Array<number>(Math.max(0, times.length - 1)).fill(0)
    for (const event of topmost(own.filter(e => names.has(e.name)))) {
      const frame = times.findLastIndex(time => time <= event.ts)
      if (frame >= 0 && frame < totals.length) totals[frame] = (totals[frame] ?? 0) + (event.dur ?? 0) / 1000
    }
    return totals
  }
  return {
    all: sum(new Set(['RunTask', 'ThreadControllerImpl::RunTask'])),
    scriptAndPaint: sum(new Set([
      'FunctionCall', 'EvaluateScript', 'FireAnimationFrame', 'EventDispatch', 'TimerFire', 'RunMicrotasks', 'MajorGC',
      'MinorGC',
      'UpdateLayoutTree', 'Layout', 'PrePaint', 'Paint', 'Layerize', 'Commit', 'RasterTask', 'HitTest'
    ]))
  }
}

/** The thread that has the most frames. */
function busiest(events: readonly TraceEvent[]): { readonly pid: number; readonly tid: number } {
  const counts = new Map<string, number>()
  for (const { pid, tid } of events) counts.set(`${pid} ${tid}`, (counts.get(`${pid} ${tid}`) ?? 0) + 1)
  const [most] = [...counts].sort(([, a], [, b]) => b - a)
  const [pid, tid] = (most?.[0] ?? '').split(' ').map(Number)
  if (pid === undefined || tid === undefined) throw new Error('the trace has no frames')
  return { pid, tid }
}

/** Without the events that lie inside another one, so that no time is counted twice. */
function topmost(events: readonly TraceEvent[]): TraceEvent[] {
  let end = -Infinity
  return [...events].sort((a, b) => a.ts - b.ts || (b.dur ?? 0) - (a.dur ?? 0)).filter(event => {
    if (event.ts < end) return false
    end = event.ts + (event.dur ?? 0)
    return true
  })
}
