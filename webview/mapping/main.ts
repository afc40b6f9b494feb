/**
 * The page of the mapping explorer: takes what the host sends (compiler-core/view/explorer.ts), keeps what the person
 * has chosen, and brings the parts together. Cells are evaluated in a worker; what is on the screen stays until its
 * successor can be drawn whole.
 */
import { pointer, select, zoom, zoomIdentity, type D3ZoomEvent } from 'd3'
import { mostSteps } from '../../compiler-core/mapping/mapping.ts'
import type { FromPage, PageSettings, Subject, ToPage } from '../../compiler-core/view/explorer.ts'
import { h } from '../dom.ts'
import { startEvaluator } from './evaluator.ts'
import type { Evaluated, Facts, OwnersReply } from './evaluate.ts'
import { pngOf, svgOf, type Caption } from './export.ts'
import { createHeader } from './header.ts'
import { createHelp } from './help.ts'
import { commandOf, type Command } from './keys.ts'
import { legendOf, swatches } from './legend.ts'
import './mapping.css'
import { conditionsOf } from './match.ts'
import { paintOverlay } from './overlay.ts'
import { paintPicture, tilesInView, type Style } from './painter.ts'
import { paletteOf, usualThreads, type Colouring, type Palette } from '../../compiler-core/view/palette.ts'
import { createPanel, listedOwners } from './panel.ts'
import { createPlayback } from './playback.ts'
import { cellOf, indexOf, planeOf, type Cell, type Plane } from './plane.ts'
import type { Evaluator } from './protocol.ts'
import { cellAt, geometryOf, type Geometry, type Scene } from './scene.ts'
import { firstView, usualSettings, viewFor, type ColouringName, type Kept, type View } from './state.ts'
import { strips } from './strips.ts'
import { onThemeChange, readTheme } from './theme.ts'
import { createTileStore, tablesOf, type Emphasis, type Look, type Tables } from './tiles.ts'
import { createToolbar, layoutColourings, mappingColourings } from './toolbar.ts'
import { fit, levelOf, pan, reveal, zoomAt, type Viewport } from './viewport.ts'
import { cellWords, closedFormText, countText, coverageWords, shapeWords, summaryWords, tasksWords } from './words.ts'

declare function acquireVsCodeApi(): {
  postMessage(message: FromPage): void
  getState(): unknown
  setState(state: unknown): void
}

/** How long the old picture may stand in for a new one that is not complete, in milliseconds. */
const patience = 250

/** Tasks of the selected worker that are outlined. */
const outlinedTasks = 4096

/** Cells of an offset that are listed. */
const listedCells = 10_000

const host = acquireVsCodeApi()

function start(evaluator: Evaluator): void {
  let subject: Subject | null = null, settings: PageSettings = usualSettings, view: View = firstView
  /** The scene on the screen, and the one that takes its place as soon as its tiles are there. */
  let scene: Scene | null = null
  let next: { readonly scene: Scene; readonly view: View; readonly since: number } | null = null
  let theme = readTheme(), hover: Cell | null = null, hoveredFactor: number | null = null
  let textFactors: readonly number[] = []
  /** Why the host's latest answer has no picture. */
  let reason: string | null = null
  let workerTasks: { readonly worker: number; readonly tasks: ReadonlyArray<readonly number[]> } | null = null
  /** When the message came that has not been answered by `drawn` yet. */
  let shownAt: number | null = null
  let dirty = false, shows = 0, controlsFor = ''

  // ------------------------------------------------------------ elements

  const header = createHeader(), help = createHelp()
  const stale = h('p', { class: 'stale', role: 'status' }), empty = emptyState()
  const factorStrips = h('div', { class: 'strips', role: 'group', 'aria-label': 'Factors, outermost first' })
  const base = document.createElement('canvas'), over = document.createElement('canvas')
  const picture = h('div', {
    class: 'picture', role: 'application', tabindex: '0', 'aria-roledescription': 'picture of a mapping',
    'aria-describedby': 'summary'
  }, base, over)
  const status = h('p', { class: 'status' }), spoken = h('p', { class: 'hidden', 'aria-live': 'polite' })
  const summary = h('p', { class: 'hidden', id: 'summary' })
  const legend = h('div', { class: 'legend' })
  const toolbar = createToolbar({
    colour: colourBy,
    threads: threads => { change({ threads }) },
    elementBytes: elementBytes => { change({ elementBytes }) },
    axes: (row, column) => { change({ axes: [row, column], viewport: null }) },
    fix: (axis, index) => { change({ fixed: view.fixed.map((value, i) => i === axis ? index : value) }) },
    zoom: factor => { zoomBy(factor) },
    fit: () => { change({ viewport: null }) },
    save: format => { void save(format) },
    help: help.open
  })
  const playback = createPlayback({
    step: step => { change({ step }) },
    trail: trail => { change({ trail }) },
    speed: speed => { change({ speed }) }
  })
  const panel = createPanel({
    selectWorker: worker => { change({ worker }) },
    goTo: moveCursor,
    setStep: step => { change({ step }) },
    selectOffset: offset => { change({ offset }) },
    wholeBank: wholeBank => { change({ wholeBank }) },
    accessAxis: accessAxis => { change({ accessAxis }) }
  })
  const main = h('main', { class: 'explorer' }, stale, header.element, factorStrips, toolbar.element,
    h('div', { class: 'work' }, h('div', { class: 'stage' }, picture, status, legend, playback.element),
      panel.element), summary, spoken)
  document.body.replaceChildren(empty, main, help.element)
  base.setAttribute('aria-hidden', 'true')
  over.setAttribute('aria-hidden', 'true')

  // ------------------------------------------------------------ what is shown

  async function show(shown: Subject, given: PageSettings): Promise<void> {
    const started = performance.now(), mine = ++shows
    const evaluated = evaluatedOf(shown), before = subject
    subject = shown
    settings = given
    reason = null
    keep()
    if (scene !== null && before !== null && sameEvaluated(scene.subject, evaluated)) {
      next = null
      setStale(null)
      shownAt = started
      showSubject(scene.facts)
      redraw()
      return
    }
    evaluator.show(evaluated)
    const facts = await evaluator.ask('facts', undefined)
    if (mine !== shows) return
    const sameShape = scene !== null && scene.facts.shape.join() === facts.shape.join()
    const nextView = viewFor(view, facts.shape, sameShape || scene === null, {
      workers: facts.kind === 'mapping' ? facts.workers : 0, steps: facts.kind === 'mapping' ? facts.steps : 0,
      size: facts.kind === 'layout' ? facts.size : 0
    })
    const tiles = createTileStore(argument => evaluator.ask('tile', argument), redraw)
    const coming: Scene = { subject: evaluated, facts, plane: planeFor(facts, nextView), tiles }
    next = { scene: coming, view: nextView, since: performance.now() }
    shownAt = started
    if (document.body.classList.contains('has-subject')) isComplete(coming, nextView) // asks for its tiles at once
    redraw()
  }

  /** Whether the tiles in view are there; asks for those that are not. */
  function isComplete(coming: Scene, its: View): boolean {
    const { plane, tiles } = coming, geometry = geometryOf(plane, pictureSize(), its.viewport ?? fit(plane))
    const level = levelOf(geometry.frame.cell)
    const colouring = colouringFor(coming.facts, its)
    const missing = tilesInView(coming, geometry, level).filter(({ row, column }) =>
      tiles.get(plane, level, row, column, colouring) === undefined)
    for (const { row, column } of missing) tiles.want(plane, level, row, column, colouring)
    return missing.length === 0
  }

  /** Takes the next scene when its tiles are there, or have kept the person waiting. */
  function advance(): void {
    if (next === null) return
    document.body.classList.add('has-subject')
    const { scene: coming, view: its, since } = next
    if (!isComplete(coming, its) && performance.now() - since < patience) {
      setTimeout(redraw, patience)
      return
    }
    scene = coming
    view = its
    next = null
    hover = null
    workerTasks = null
    setStale(reason)
    showSubject(coming.facts)
  }

  function showSubject(facts: Facts): void {
    if (subject === null) return
    document.body.classList.add('has-subject')
    header.show(subject, facts)
    const sizes = facts.kind === 'mapping' ? [facts.workers, facts.steps] : [facts.size]
    const key = JSON.stringify([facts.kind, facts.shape, ...sizes])
    if (key !== controlsFor) { // the controls that a person may be using stay
      controlsFor = key
      toolbar.setSubject(facts)
      panel.setSubject(facts)
      playback.setSteps(facts.kind === 'mapping' ? facts.steps : 1)
    }
    showStrips()
    const words = summaryWords(subject.title, subject.text, facts)
    summary.textContent = words
    picture.setAttribute('aria-label',
      `${subject.title}: ${facts.kind === 'mapping' ? 'task mapping' : 'layout'}, press ? for its keys`)
    speak(words)
    showDetails()
  }

  function showStrips(): void {
    factorStrips.replaceChildren()
    factorStrips.hidden = subject?.kind !== 'mapping' || subject.mapping.factors.length < 2
    if (subject?.kind !== 'mapping' || factorStrips.hidden) return
    const made = strips(subject.mapping, subject.factors, theme, {
      hovered: factor => {
        hoveredFactor = factor
        host.postMessage({ type: 'hoverFactor', factor })
        redraw()
      },
      revealed: factor => { host.postMessage({ type: 'revealFactor', factor }) }
    })
    factorStrips.append(h('span', { class: 'ends', 'aria-hidden': 'true' }, 'outer'),
      ...made.flatMap((strip, i) => i === 0 ? [strip]
      : [h('span', { class: 'times', 'aria-hidden': 'true' }, '\u00d7'), strip]),
      h('span', { class: 'ends', 'aria-hidden': 'true' }, 'inner'))
    markFactors()
  }

  function markFactors(): void {
    for (const strip of factorStrips.querySelectorAll<HTMLElement>('.strip')) {
      strip.classList.toggle('current', textFactors.includes(Number(strip.dataset['factor'])))
    }
  }

  function setStale(reason: string | null): void {
    document.body.classList.toggle('is-stale', reason !== null)
    stale.textContent = reason ?? ''
    empty.querySelector('.reason')?.replaceChildren(reason ?? '')
  }

  // ------------------------------------------------------------ choices

  function change(part: Partial<View>): void {
    const before = view
    view = { ...view, ...part }
    if (scene !== null) {
      const plane = planeFor(scene.facts, view)
      scene = { ...scene, plane }
      const detailed = ['worker', 'offset', 'cursor', 'wholeBank', 'accessAxis', 'threads', 'elementBytes'] as const
      if (detailed.some(name => view[name] !== before[name]) || (view.worker !== null && view.step !== before.step)) {
        showDetails()
      }
    }
    keep()
    redraw()
  }

  function colourBy(by: ColouringName): void {
    if (by === 'offset' || by === 'bank') change({ layoutBy: by })
    else change({ mappingBy: by })
  }

  function zoomBy(factor: number, at?: readonly [number, number]): void {
    if (scene === null) return
    const { plot } = geometryNow(scene)
    const [x, y] = at ?? cursorPoint() ?? [plot.x + plot.width / 2, plot.y + plot.height / 2]
    setViewport(zoomAt(scene.plane, plot, viewportNow(scene.plane), factor, x - plot.x, y - plot.y))
  }

  function panBy(dx: number, dy: number): void {
    if (scene !== null) setViewport(pan(scene.plane, geometryNow(scene).plot, viewportNow(scene.plane), dx, dy))
  }

  function setViewport(viewport: Viewport): void {
    change({ viewport: viewport.zoom === 1 ? null : viewport })
  }

  /** Goes to an index; the fixed axes follow it. */
  function moveCursor(index: readonly number[]): void {
    if (scene === null) return
    const { rowAxis, columnAxis } = scene.plane
    const isDrawn = (axis: number) => axis === rowAxis || axis === columnAxis
    const fixed = scene.plane.fixed.map((value, axis) => isDrawn(axis) ? value : index[axis] ?? value)
    const plane = planeFor(scene.facts, { ...view, fixed }), cell = cellOf(plane, index)
    hover = null
    if (cell === undefined) return change({ cursor: index, fixed })
    const moved = reveal(plane, geometryNow(scene).plot, viewportNow(plane), cell.row, cell.column)
    change({ cursor: index, fixed, viewport: moved.zoom === 1 ? null : moved })
  }

  function moveBy(command: Extract<Command, { kind: 'move' }>): void {
    if (scene === null) return
    const { plane } = scene, at = view.cursor === null ? undefined : cellOf(plane, view.cursor)
    const cell = at ?? { row: 0, column: 0 }
    const far = command.by === 'end' ? plane.columns : command.by === 'page' ? 16 : 1
    // the first key only makes the cursor visible
    const step = at === undefined ? 0 : far
    const limit = (value: number, count: number) => Math.min(count - 1, Math.max(0, value))
    const row = limit(cell.row + command.rows * step, plane.rows)
    const column = limit(cell.column + command.columns * step, plane.columns)
    const lastOfEnd = ((plane.shape[0] ?? 1) - 1) % plane.columns // where a wrapped last row ends
    const index = indexOf(plane, { row, column }) ?? indexOf(plane, { row, column: lastOfEnd })
    if (index !== undefined) moveCursor(index)
  }

  function selectAt(index: readonly number[]): void {
    if (scene === null) return
    const { facts } = scene
    void evaluator.ask('owners', { task: index, limit: 1 }).then(({ owners: [first] }) => {
      if (facts.kind === 'mapping') change({ cursor: index, worker: first?.worker ?? null })
      else change({ cursor: index, offset: first?.worker ?? null })
    })
  }

  function run(command: Command): void {
    if (scene === null) return
    const { facts } = scene
    switch (command.kind) {
      case 'move': return moveBy(command)
      case 'pan': return panBy(command.columns * -60, command.rows * -60)
      case 'zoom': return zoomBy(command.factor)
      case 'fit': return change({ viewport: null })
      case 'select': if (view.cursor !== null) selectAt(view.cursor); return
      case 'clear':
        playback.stop()
        return change(view.worker !== null || view.offset !== null ? { worker: null, offset: null } : { step: null })
      case 'play': if (facts.kind === 'mapping' && facts.steps > 1) playback.toggle(); return
      case 'step': {
        if (facts.kind === 'layout') return
        playback.stop()
        const from = view.step ?? (command.by === 1 ? -1 : facts.steps)
        const step = Math.min(facts.steps - 1, Math.max(0, from + command.by))
        speak(`Step ${step}`)
        return change({ step })
      }
      case 'worker': {
        const count = facts.kind === 'mapping' ? facts.workers : facts.size
        const now = facts.kind === 'mapping' ? view.worker : view.offset
        const to = ((now ?? (command.by === 1 ? -1 : 0)) + command.by + count) % count
        speak(`${facts.kind === 'mapping' ? 'Worker' : 'Offset'} ${to}`)
        return change(facts.kind === 'mapping' ? { worker: to } : { offset: to })
      }
      case 'colour': {
        const names: readonly ColouringName[] = facts.kind === 'mapping' ? mappingColourings : layoutColourings
        const now = names.indexOf(facts.kind === 'mapping' ? view.mappingBy : view.layoutBy)
        const name = names[(now + 1) % names.length] ?? 'thread'
        speak(`Coloured by ${name}`)
        return colourBy(name)
      }
      case 'help': return help.open()
    }
  }

  // ------------------------------------------------------------ details

  function showDetails(): void {
    if (scene === null) return
    const { facts, plane } = scene, groups = groupsFor(facts), storage = storageNow()
    const index = hover === null ? view.cursor : indexOf(plane, hover) ?? null
    const byCursor = hover === null
    if (index === null) {
      panel.showCell(facts, groups, storage, null, null)
      status.textContent = '\u00a0'
    } else {
      void evaluator.ask('owners', { task: index, limit: listedOwners })
        .then(reply => { showCell(facts, index, reply, byCursor) })
    }
    if (facts.kind === 'mapping') showWorker(facts)
    else showStored()
  }

  function showCell(facts: Facts, index: readonly number[], reply: OwnersReply, speakIt: boolean): void {
    const groups = groupsFor(facts), words = cellWords(facts, groups, storageNow(), index, reply)
    panel.showCell(facts, groups, storageNow(), index, reply)
    status.textContent = words
    if (speakIt && document.activeElement === picture) speak(words)
  }

  function showWorker(facts: Extract<Facts, { kind: 'mapping' }>): void {
    const { worker } = view
    if (worker === null) {
      workerTasks = null
      panel.showWorker(facts, groupsFor(facts), null, 0, view.step, () => Promise.resolve([]))
      return
    }
    void evaluator.ask('tasks', { worker, from: 0, count: outlinedTasks }).then(({ total, tasks }) => {
      if (view.worker !== worker) return
      workerTasks = { worker, tasks }
      panel.showWorker(facts, groupsFor(facts), worker, total, view.step, async (from, count) =>
        (await evaluator.ask('tasks', { worker, from, count })).tasks)
      redraw()
    })
  }

  function showStored(): void {
    if (scene === null) return
    const { offset, wholeBank } = view, storage = storageNow(), axis = view.accessAxis ?? scene.plane.columnAxis
    if (offset === null) panel.showStored(null, wholeBank, null)
    else {
      void evaluator.ask('stored', { offset, bank: wholeBank ? storage : null, limit: listedCells }).then(reply => {
        if (view.offset === offset) panel.showStored(offset, wholeBank, reply)
      })
    }
    if (storage.elementBytes > storage.bankBytes) {
      panel.showAccess(axis,
        `Elements wider than a bank of ${storage.bankBytes} B are read in several passes; their conflicts are not shown.`)
    } else {
      const index = view.cursor ?? scene.facts.shape.map(() => 0)
      void evaluator.ask('access', { index, axis, lanes: settings.warpSize, ...storage })
        .then(reply => { panel.showAccess(axis, reply) })
    }
  }

  function speak(words: string): void {
    spoken.textContent = words
  }

  // ------------------------------------------------------------ painting

  function redraw(): void {
    if (dirty) return
    dirty = true
    requestAnimationFrame(() => {
      dirty = false
      advance()
      paint()
    })
  }

  function paint(): void {
    if (scene === null) return
    const { plane, facts } = scene, ratio = window.devicePixelRatio || 1, size = pictureSize()
    const style = styleNow(scene, ratio)
    const geometry = geometryNow(scene)
    const baseContext = prepared(base, size, ratio), overContext = prepared(over, size, ratio)
    if (baseContext === null || overContext === null) return
    const complete = paintPicture(baseContext, scene, geometry, style)
    const focused = document.activeElement === picture
    paintOverlay(overContext, scene, geometry, theme, {
      hover, cursor: view.cursor === null ? null : cellOf(plane, view.cursor) ?? null, focused,
      tasks: workerTasks !== null && workerTasks.worker === view.worker && (view.step === null) ? workerTasks.tasks : []
    })
    toolbar.update(view, plane, threadsFor(facts))
    playback.update(view)
    showLegend(facts)
    if (complete && next === null && shownAt !== null && subject !== null) {
      const title = subject.title, since = shownAt
      shownAt = null
      requestAnimationFrame(() => requestAnimationFrame(() => {
        host.postMessage({ type: 'drawn', title: title.slice(0, 1000), milliseconds: performance.now() - since })
      }))
    }
  }

  let legendShown = ''
  function showLegend(facts: Facts): void {
    const colouring = colouringFor(facts, view), key = JSON.stringify([colouring, facts])
    if (key === legendShown) return
    legendShown = key
    const made = legendOf(colouring, facts, groupsFor(facts))
    const hatched = facts.kind === 'mapping' && facts.coverage.uncovered > 0
    const replicated = facts.kind === 'mapping' && facts.coverage.replicated > 0
    const swatch = (colour: string) => {
      const element = h('span', { class: 'swatch' })
      element.style.background = colour
      return element
    }
    legend.replaceChildren(
      ...made.kind === 'groups'
        ? [...made.entries.map(entry => h('span', { class: 'entry' }, swatch(entry.colour), entry.text)),
          made.more === '' ? '' : h('span', { class: 'entry' }, made.more)]
        : [h('span', { class: 'entry' }, made.from), h('span', { class: 'range' }, ...made.colours.map(swatch)),
          h('span', { class: 'entry' }, made.to)],
      hatched ? h('span', { class: 'entry' }, h('span', { class: 'swatch hatched' }), 'uncovered') : '',
      replicated ? h('span', { class: 'entry' }, h('span', { class: 'swatch replicated' }), 'replicated') : '')
  }

  function styleNow(of: Scene, ratio: number): Style {
    const colouring = colouringFor(of.facts, view)
    const byText = textFactors.length === 1 && of.subject.kind === 'mapping' && of.subject.mapping.factors.length > 1
      ? textFactors[0] ?? null : null
    return {
      theme, ratio, colouring, look: lookFor(of, colouring), groups: groupsFor(of.facts), storage: storageNow(),
      factor: hoveredFactor ?? byText
    }
  }

  function lookFor(of: Scene, colouring: Colouring): Look {
    const emphasis = emphasisNow(of)
    const key = JSON.stringify([colouring, emphasis, theme.background])
    const { subject: evaluated } = of, { palette, tables } = coloursFor(colouring)
    const conditions = (worker: number | null, step: number | null) => evaluated.kind === 'mapping'
      && (worker !== null || step !== null)
      ? conditionsOf(evaluated.mapping, { worker, step }) : undefined
    const picked = emphasis.kind === 'picked' ? emphasis.picked : { worker: null, step: null }
    return {
      key, palette, tables, background: theme.background, emphasis, worker: conditions(picked.worker, null),
      step: conditions(null, picked.step)
    }
  }

  function emphasisNow(of: Scene): Emphasis {
    const { worker, step, trail, offset, wholeBank } = view
    if (of.facts.kind === 'layout') {
      return offset === null ? { kind: 'none' }
        : { kind: 'stored', offset, bank: wholeBank ? { by: 'bank', ...storageNow() } : null }
    }
    return worker === null && step === null ? { kind: 'none' } : { kind: 'picked', picked: { worker, step }, trail }
  }

  // ------------------------------------------------------------ what follows from the choices

  function planeFor(facts: Facts, its: View): Plane {
    return planeOf(facts.shape, { ...its.axes === null ? {} : { axes: its.axes }, fixed: its.fixed })
  }

  function viewportNow(plane: Plane): Viewport {
    return view.viewport ?? fit(plane)
  }

  function geometryNow(of: Scene): Geometry {
    return geometryOf(of.plane, pictureSize(), viewportNow(of.plane))
  }

  function pictureSize(): { width: number; height: number } {
    return { width: picture.clientWidth, height: picture.clientHeight }
  }

  function threadsFor(facts: Facts): number {
    return view.threads ?? (facts.kind === 'mapping' ? usualThreads(facts.workers) : 256)
  }

  function groupsFor(facts: Facts): { threads: number; warpSize: number } {
    return { threads: threadsFor(facts), warpSize: settings.warpSize }
  }

  function storageNow(): { elementBytes: number; bankBytes: number; banks: number } {
    return { elementBytes: view.elementBytes, bankBytes: settings.bankBytes, banks: settings.banks }
  }

  function colouringFor(facts: Facts, its: View): Colouring {
    if (facts.kind === 'mapping') {
      return its.mappingBy === 'step' ? { by: 'step', steps: facts.steps }
        : { by: its.mappingBy, workers: facts.workers, ...groupsFor(facts) }
    }
    return its.layoutBy === 'offset' ? { by: 'offset', size: facts.size } : { by: 'bank', ...storageNow() }
  }

  let colours: { readonly key: string; readonly palette: Palette; readonly tables: Tables } | undefined
  function coloursFor(colouring: Colouring): { readonly palette: Palette; readonly tables: Tables } {
    const key = JSON.stringify([colouring, theme.background])
    if (colours?.key !== key) {
      const palette = paletteOf(colouring)
      colours = { key, palette, tables: tablesOf(palette, theme.background) }
    }
    return colours
  }

  function cursorPoint(): [number, number] | undefined {
    const cell = scene === null || view.cursor === null ? undefined : cellOf(scene.plane, view.cursor)
    if (scene === null || cell === undefined) return undefined
    const { plot, frame } = geometryNow(scene)
    const x = plot.x + frame.left + (cell.column + 0.5) * frame.cell.width
    return [x, plot.y + frame.top + (cell.row + 0.5) * frame.cell.height]
  }

  // ------------------------------------------------------------ files

  async function save(format: 'svg' | 'png'): Promise<void> {
    if (scene === null || subject === null) return
    const { facts } = scene, ratio = window.devicePixelRatio || 1, style = styleNow(scene, ratio)
    const geometry = geometryNow(scene)
    const formula = closedFormText(facts, facts.shape.map((_, axis) => `i${axis}`))
    const caption: Caption = {
      title: subject.title,
      lines: [
        ...subject.title === subject.text ? [] : [subject.text],
        facts.kind === 'mapping'
          ? [countText(facts.workers, 'worker'), shapeWords(facts.shape), tasksWords(facts),
            ...coverageWords(facts).map(part => part.text)].join(' \u00b7 ')
          : [shapeWords(facts.shape), countText(facts.size, 'storage cell')].join(' \u00b7 '),
        ...formula === undefined ? [] : [formula]
      ],
      legend: swatches(legendOf(colouringFor(facts, view), facts, groupsFor(facts)))
    }
    const data = format === 'svg' ? svgOf(scene, geometry, style, caption)
      : await pngOf(scene, geometry, style, caption)
    const name = subject.title.replace(/[^\p{L}\p{N}._-]+/gu, '-').replace(/^-+|-+$/g, '').slice(0, 80) || 'mapping'
    host.postMessage({ type: 'save', format, name, data })
  }

  // ------------------------------------------------------------ state over a reload

  let keeping: ReturnType<typeof setTimeout> | undefined
  function keep(): void {
    clearTimeout(keeping)
    keeping = setTimeout(keepNow, 150)
  }

  function keepNow(): void {
    const kept: Kept = { subject: subject !== null && isSmall(subject) ? subject : null, settings, view }
    host.setState(kept)
  }

  // ------------------------------------------------------------ events

  listenToPointer()
  picture.addEventListener('keydown', event => {
    const command = commandOf(event)
    if (command === undefined) return
    event.preventDefault()
    run(command)
  })
  document.addEventListener('keydown', event => {
    if (event.key === '?' && event.target instanceof Element
      && event.target.closest('vscode-text-field, dialog') === null) help.open()
  })
  for (const type of ['focus', 'blur'] as const) picture.addEventListener(type, () => {
    if (type === 'focus' && view.cursor === null && scene !== null
      && picture.matches(':focus-visible')) change({ cursor: scene.plane.fixed })
    redraw()
  })

  function listenToPointer(): void {
    // d3 tells wheels, drags and pinches apart; how far a plane moves is our own affair (viewport.ts)
    let last = zoomIdentity
    const behaviour = zoom<HTMLElement, unknown>().clickDistance(4).scaleExtent([0, Infinity])
      .filter((event: MouseEvent) => event.type !== 'dblclick' && event.button === 0)
      .on('zoom', (event: D3ZoomEvent<HTMLElement, unknown>) => {
        const { transform } = event, factor = transform.k / last.k, source = event.sourceEvent as Event | null
        if (source === null) return
        if (Math.abs(factor - 1) > 1e-9) {
          // the point that a zoom leaves where it is
          const centre = (now: number, before: number) => (now - factor * before) / (1 - factor)
          zoomBy(factor, [centre(transform.x, last.x), centre(transform.y, last.y)])
        } else panBy(transform.x - last.x, transform.y - last.y)
        last = transform
      })
    select<HTMLElement, unknown>(picture).call(behaviour)
    picture.addEventListener('pointermove', event => {
      if (scene === null || event.buttons !== 0) return
      const [x, y] = pointer(event, picture), cell = cellAt(scene.plane, geometryNow(scene), x, y) ?? null
      if (cell?.row === hover?.row && cell?.column === hover?.column) return
      hover = cell
      showDetails()
      redraw()
    })
    picture.addEventListener('pointerleave', () => {
      hover = null
      showDetails()
      redraw()
    })
    picture.addEventListener('click', event => {
      if (scene === null) return
      const [x, y] = pointer(event, picture), cell = cellAt(scene.plane, geometryNow(scene), x, y)
      const index = cell === undefined ? undefined : indexOf(scene.plane, cell)
      if (index !== undefined) selectAt(index)
    })
  }

  new ResizeObserver(redraw).observe(picture)
  onThemeChange(() => {
    theme = readTheme()
    legendShown = ''
    showStrips()
    redraw()
  })
  window.addEventListener('message', (event: MessageEvent<ToPage>) => {
    const message = event.data
    switch (message.type) {
      case 'show':
        void show(message.subject, message.settings)
        break
      case 'stale':
        reason = message.reason
        setStale(reason)
        break
      case 'factors':
        textFactors = message.factors
        markFactors()
        redraw()
        break
    }
  })
  window.addEventListener('pagehide', keepNow)

  const kept = host.getState() as Partial<Kept> | undefined
  if (kept?.view !== undefined) view = { ...firstView, ...kept.view }
  if (kept?.subject) void show(kept.subject, kept.settings ?? usualSettings)
  host.postMessage({ type: 'ready' })
}

function prepared(canvas: HTMLCanvasElement, size: { readonly width: number; readonly height: number },
  ratio: number): CanvasRenderingContext2D | null {
  const width = Math.round(size.width * ratio), height = Math.round(size.height * ratio)
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width
    canvas.height = height
    canvas.style.width = `${size.width}px`
    canvas.style.height = `${size.height}px`
  }
  const context = canvas.getContext('2d')
  context?.setTransform(ratio, 0, 0, ratio, 0, 0)
  return context
}

function evaluatedOf(subject: Subject): Evaluated {
  return subject.kind === 'mapping' ? { kind: 'mapping', mapping: subject.mapping }
    : { kind: 'layout', layout: subject.layout }
}

function sameEvaluated(a: Evaluated, b: Evaluated): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

/** The host keeps the state as text; a mapping given task by task may be too large for that. */
function isSmall(subject: Subject): boolean {
  return subject.kind === 'layout' || subject.mapping.factors.every(f =>
    f.kind !== 'custom' || mostSteps({ ...subject.mapping, factors: [f] }) * f.workers <= 65_536)
}

function emptyState(): HTMLElement {
  return h('main', { class: 'empty' }, h('h1', {}, 'Task mapping'), h('p', { class: 'reason', role: 'status' }),
    h('p', {}, 'Put the cursor on a task mapping in a .heddle file, and see here which worker does which task.'),
    h('pre', {}, 'let load = repeat(4, 1) * spatial(16, 8)'))
}

void startEvaluator(new URL('mapping-worker.js', import.meta.url).href).then(start)
