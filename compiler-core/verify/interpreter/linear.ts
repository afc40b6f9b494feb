/**
 * Index arithmetic while a kernel is being written as JavaScript: sums of local constants, with the range of each.
 *
 *     bi * 128 + (w0 + 16) + 5      { terms: [_3 * 128, _7], constant: 21, low: 21, high: 1044 }
 *
 * What the sum of an access is known to be decides which checks remain in the generated text, and neighbouring steps
 * of a mapping share all but the constant.
 */

/** What a local can be seen to take one value each for: the threads of a block, the turns of one loop. */
export interface Domain {
  readonly size: number
  /** The JavaScript that counts its items. */
  readonly counter: string
}

export interface Table { readonly domain: Domain; readonly values: Int32Array }

/** In a table: a thread that does not come here. */
export const absent = -(2 ** 31)

/** A constant of the generated text that holds a whole number. */
export interface Local {
  readonly name: string
  readonly low: number
  readonly high: number
  /** Its value for each item of a domain, where it follows from that alone. */
  readonly table: Table | undefined
}

export interface Term { readonly local: Local; readonly factor: number }

export interface Linear {
  readonly terms: readonly Term[]
  readonly constant: number
  readonly low: number
  readonly high: number
}

export function constantOf(value: number): Linear {
  return { terms: [], constant: value, low: value, high: value }
}

export function ofLocal(local: Local): Linear {
  return local.low === local.high ? constantOf(local.low)
    : { terms: [{ local, factor: 1 }], constant: 0, low: local.low, high: local.high }
}

/** The number, where it is one. */
export function knownValue(e: Linear): number | undefined {
  return e.low === e.high ? e.low : undefined
}

export function plus(a: Linear, b: Linear): Linear {
  const terms = [...a.terms]
  for (const t of b.terms) {
    const at = terms.findIndex(o => o.local === t.local)
    const factor = t.factor + (terms[at]?.factor ?? 0)
    if (at < 0) terms.push(t)
    else if (factor === 0) terms.splice(at, 1)
    else terms[at] = { local: t.local, factor }
  }
  return ranged(terms, a.constant + b.constant)
}

export function times(a: Linear, factor: number): Linear {
  if (factor === 0) return constantOf(0)
  return factor === 1 ? a : ranged(a.terms.map(t => ({ local: t.local, factor: t.factor * factor })),
    a.constant * factor)
}

export function minus(a: Linear, b: Linear): Linear {
  return plus(a, times(b, -1))
}

function ranged(terms: readonly Term[], constant: number): Linear {
  let low = constant, high = constant
  for (const { local, factor } of terms) {
    low += factor * (factor > 0 ? local.low : local.high)
    high += factor * (factor > 0 ? local.high : local.low)
  }
  return { terms, constant, low, high }
}

/** Equal for equal sums alone. */
export function keyOf(e: Linear): string {
  return `${e.terms.map(t => `${t.local.name}*${t.factor}`).sort().join('+')}+${e.constant}`
}

export function fits32(e: { readonly low: number; readonly high: number }): boolean {
  return e.low >= -(2 ** 31) && e.high < 2 ** 31
}

/** The domains that the value follows from; undefined: from something else too. */
export function domainsOf(e: Linear): ReadonlySet<Domain> | undefined {
  const domains = new Set<Domain>()
  for (const { local } of e.terms) {
    if (!local.table) return undefined
    domains.add(local.table.domain)
  }
  return domains
}

/** Its values over one domain; undefined where it follows from more, or leaves 32 bits. */
export function tableOf(e: Linear): Table | undefined {
  const [domain, ...more] = domainsOf(e) ?? []
  if (!domain || more.length > 0 || !fits32(e)) return undefined
  return { domain, values: Int32Array.from({ length: domain.size }, (_, i) => valueAt(e, new Map([[domain, i]]))) }
}

/** At one item of each domain; `absent` for a thread that does not come here. All terms have tables. */
export function valueAt(e: Linear, items: ReadonlyMap<Domain, number>): number {
  let sum = e.constant
  for (const { local, factor } of e.terms) {
    const value = local.table?.values[items.get(local.table.domain) ?? 0] ?? absent
    if (value === absent) return absent
    sum += value * factor
  }
  return sum
}

/** As JavaScript; in 32 bits where the value fits. */
export function linearText(e: Linear): string {
  const known = knownValue(e)
  if (known !== undefined) return numberText(known)
  const exact = !fits32(e) || !e.terms.every(t => fits32(t.local))
  const parts = e.terms.map(({ local, factor }) => {
    if (factor === 1) return local.name
    const shift = Math.log2(factor)
    if (exact) return `${local.name} * ${numberText(factor)}`
    return Number.isInteger(shift) && shift < 31 ? `(${local.name} << ${shift})` : `Math.imul(${local.name}, ${factor})`
  })
  const whole = [...parts, ...e.constant === 0 ? [] : [numberText(e.constant)]].join(' + ')
  if (exact) return parts.length === 1 && e.constant === 0 ? whole : `(${whole})`
  return e.terms.length === 1 && e.constant === 0 && e.terms[0]?.factor === 1 ? whole : `(${whole} | 0)`
}

export function numberText(x: number): string {
  return x < 0 || Object.is(x, -0) ? `(${Object.is(x, -0) ? '-0' : String(x)})` : String(x)
}
