import { describe, expect, it } from 'vitest'
import { binary, constant, ref } from '../../../compiler-core/ir/build.ts'
import type { Expr, Stmt, Variable } from '../../../compiler-core/ir/ir.ts'
import { printExpr } from '../../../compiler-core/ir/print.ts'
import {
  changedIn, equalExpr, forEachExpr, forEachExprIn, freeVariables, mapExpr, mapStmts, substitute, substituteIn
} from '../../../compiler-core/ir/visit.ts'
import { parse, place } from './support.ts'

const { names } = place('extent m; 0 <= i; 0 <= j; 0 <= k')
const of = (text: string) => parse(text, names)
const named = (name: string) => names.get(name) as Variable

const loop: Stmt = {
  kind: 'for', variable: named('k'), extent: of('m'), unroll: 'automatic', vector: false, origins: [],
  body: [
    { kind: 'let', variable: named('j'), value: of('i * 2'), origins: [] },
    { kind: 'if', condition: of('i < m'), then: [{ kind: 'barrier', origins: [] }], otherwise: [], origins: [] },
    { kind: 'assign', variable: named('i'), value: of('i + k'), origins: [] }
  ]
}

describe('visit', () => {
  it('keeps what does not change', () => {
    const e = of('if i < 3 then min(i, j) else -k')
    expect(mapExpr(e, x => x)).toBe(e)
    expect(mapStmts([loop], s => s)[0]).toBe(loop)
    expect(substitute(e, new Map([[named('m'), of('i')]]))).toBe(e)
    expect(substituteIn([loop], new Map([[named('j'), of('7')]]))[0]).toBe(loop)
  })
  it('rewrites', () => {
    const doubled = mapExpr(of('i + j * i'), x => x.kind === 'variable' && x.variable === named('i') ? of('k * 2') : x)
    expect(printExpr(doubled)).toBe('k * 2 + j * (k * 2)')
    const swapped = substitute(of('i - j'), new Map<Variable, Expr>([[named('i'), of('j')], [named('j'), of('i')]]))
    expect(printExpr(swapped)).toBe('j - i')
    const without = mapStmts([loop], s => (s.kind === 'barrier' ? [] : s))
    expect(without).toMatchObject([{ body: [{}, { kind: 'if', then: [] }, {}] }])
  })
  it('a substituted value has the origins of its place too', () => {
    const at = (start: number) => [{ range: { uri: 'a', span: { start, end: start } }, through: undefined }]
    const e = substitute(ref(named('i'), at(5)), new Map([[named('i'), binary('+', of('j'), constant(1), at(1))]]))
    expect(e.origins.map(o => o.range.span.start)).toEqual([1, 5])
  })
  it('compares', () => {
    expect(equalExpr(of('i + j * 2'), of('i + j * 2'))).toBe(true)
    expect(equalExpr(of('i + j'), of('j + i'))).toBe(false)
    expect(equalExpr(of('i < j'), of('i <= j'))).toBe(false)
    expect(equalExpr(constant(0, 'f32'), constant(-0, 'f32'))).toBe(false)
  })
  it('collects', () => {
    const free = (e: Expr) => [...freeVariables(e)].map(v => v.name)
    expect(free(of('i + j * i'))).toEqual(['i', 'j'])
    const sum: Expr = {
      kind: 'reduce', reducer: 'sum', axes: [{ variable: named('k'), extent: of('k + m') }], body: of('i * k'),
      type: 'index', origins: []
    }
    expect(free(sum)).toEqual(['k', 'm', 'i'])
    expect(free({ ...sum, axes: [{ variable: named('k'), extent: of('m') }] })).toEqual(['m', 'i'])
    let nodes = 0
    forEachExpr(of('i + j * 2'), () => nodes++)
    forEachExprIn([loop], () => nodes++)
    expect(nodes).toBe(5 + 1 + 3 + 3 + 3)
    expect([...changedIn([loop]).variables]).toEqual([named('i')])
  })
})
