/** Playing the steps: the cells that all workers execute at step k. */
import { checkbox, dropdown, iconButton } from '../controls.ts'
import { h } from '../dom.ts'
import type { View } from './state.ts'
import { numberText } from './words.ts'

export interface PlaybackEvents {
  /** Null shows all steps. */
  step(step: number | null): void
  trail(trail: boolean): void
  speed(speed: number): void
}

export interface Playback {
  readonly element: HTMLElement
  setSteps(steps: number): void
  update(view: View): void
  /** Starts or stops. */
  toggle(): void
  stop(): void
}

const speeds = [1, 2, 4, 8, 16, 30]

/** People who ask for reduced motion see at most two pictures a second. */
const calmSpeed = 2

export function createPlayback(events: PlaybackEvents): Playback {
  let steps = 1, view: View | undefined, timer: ReturnType<typeof setTimeout> | undefined
  const calm = matchMedia('(prefers-reduced-motion: reduce)')
  const play = iconButton('play', 'Play the steps (Space)', () => { toggle() })
  const slider = h('input', { type: 'range', min: '0', 'aria-label': 'Step', class: 'slider' }) as HTMLInputElement
  const shown = h('span', { class: 'shown' })
  const trail = checkbox('trail', events.trail)
  const speed = dropdown('Steps a second', speeds.map(n => [String(n), `${n} / s`]), value => { events.speed(Number(value)) })
  const all = iconButton('clear', 'Show all steps', () => {
    stop()
    events.step(null)
  })
  const element = h('div', { class: 'playback', role: 'group', 'aria-label': 'Steps' },
    iconButton('back', 'One step back (,)', () => { move(-1) }).element, play.element,
    iconButton('forward', 'One step on (.)', () => { move(1) }).element, slider, shown, all.element, trail.element, speed.element)

  slider.addEventListener('input', () => {
    stop()
    events.step(Number(slider.value))
  })

  function move(by: number): void {
    stop()
    events.step(Math.min(steps - 1, Math.max(0, (view?.step ?? (by > 0 ? -1 : steps)) + by)))
  }

  function tick(): void {
    const step = view?.step ?? -1
    events.step(step + 1 >= steps ? 0 : step + 1)
    timer = setTimeout(tick, 1000 / Math.min(view?.speed ?? 4, calm.matches ? calmSpeed : Infinity))
  }

  function toggle(): void {
    if (timer !== undefined) return stop()
    play.set({ icon: 'pause', label: 'Pause (Space)' })
    tick()
  }

  function stop(): void {
    clearTimeout(timer)
    timer = undefined
    play.set({ icon: 'play', label: 'Play the steps (Space)' })
  }

  return {
    element, toggle, stop,
    setSteps(count) {
      steps = count
      slider.max = String(Math.max(0, count - 1))
      element.hidden = count <= 1
      if (count <= 1) stop()
    },
    update(next) {
      view = next
      slider.value = String(next.step ?? 0)
      element.classList.toggle('all', next.step === null)
      all.element.hidden = next.step === null
      const words = next.step === null ? `all ${numberText(steps)} steps` : `step ${numberText(next.step)} / ${numberText(steps - 1)}`
      shown.textContent = words
      slider.setAttribute('aria-valuetext', words)
      trail.set(next.trail)
      speed.set(String(next.speed))
    }
  }
}
