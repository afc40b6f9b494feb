import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { createProgram } from '../../../compiler-core/language/program.ts'
import { candidatesAnswer, cudaAnswer, subjectsIn } from '../../../extension/server/cuda.ts'
import { sourceFile, type Files } from '../../../extension/server/files.ts'
import { buildFacts } from '../../../extension/server/build-facts.ts'
import { buildFactsOf, type CudaParams, type CudaTrace } from '../../../extension/server/protocol.ts'
import { needs } from '../../harness/needs.ts'
import { startServer } from './client.ts'

const fused = readFileSync('test/fixtures/workspace/fused.heddle', 'utf8')
const library = readFileSync('test/fixtures/workspace/library.heddle', 'utf8')
const uri = 'file:///project/main.heddle'

function open(text: string, target = 'sm_80') {
  const program = createProgram({ read: asked => asked === uri ? text : undefined, roots: ['file:///project'], target })
  const files: Files = {
    file: asked => {
      const analysis = program.analyse(asked)
      return analysis && sourceFile(analysis)
    },
    all: () => [],
  }
  const file = files.file(uri)
  if (file === undefined) throw new Error('the program does not know its file')
  const cuda = (subject: string) => cudaAnswer(program, file, files, target, { textDocument: { uri }, subject })
  const candidates = (subject: string, level: number) =>
    candidatesAnswer(program, file, { textDocument: { uri }, subject, level })
  return { program, file, files, cuda, candidates }
}

/** Each region's text with the texts that it was made from, and its declaration. */
function linksOf(files: Files, { text, trace }: { text: string; trace: CudaTrace }) {
  const cut = (from: string, [line = 0, character = 0, endLine = 0, endCharacter = 0]: readonly number[]): string => {
    const lines = from.split('\n').slice(line, endLine + 1)
    lines[lines.length - 1] = (lines.at(-1) ?? '').slice(0, endCharacter)
    return [(lines[0] ?? '').slice(character), ...lines.slice(1)].join('\n')
  }
  const frame = (index: number) => trace.frames.slice(index * 7, index * 7 + 7)
  const sourceOf = (index: number): string => {
    const [source = 0, ...range] = frame(index)
    return cut(files.file(trace.sources[source] ?? '')?.analysis.text ?? '', range)
  }
  const chain = (index: number): readonly number[] => index < 0 ? [] : [index, ...chain(frame(index)[5] ?? -1)]
  return trace.origins.map((origins, region) => {
    const numbers = trace.regions.slice(region * 6, region * 6 + 6), declaration = trace.declarations[numbers[5] ?? -1]
    return {
      region: cut(text, numbers), from: origins.map(sourceOf),
      through: origins.flatMap(origin => chain(origin).slice(1)).map(sourceOf),
      declaration: declaration && `${declaration.kind} ${declaration.name}`, parent: numbers[4] ?? -1, numbers,
    }
  })
}

describe('subjects', () => {
  it('are instances, schedules of an operator, and graphs, with the whole declaration', () => {
    const { file } = open(fused)
    expect(subjectsIn(file).map(({ kind, name, range }) => [kind, name, range.start.line, range.end.line])).toEqual([
      ['schedule', 'matmul.tiled', 11, 33], ['graph', 'dense', 35, 38], ['instance', 'square', 40, 40], ['instance', 'fused', 41, 41]
    ])
  })
  it('are none in a file of mappings', () => { expect(subjectsIn(open('let m = spatial(4)\n').file)).toEqual([]) })
})

describe('the CUDA', () => {
  const answered = (text: string, subject: string) => {
    const { cuda, files } = open(text), answer = cuda(subject)
    if (answer.cuda === undefined) throw new Error(answer.problems.map(p => p.message).join('\n'))
    return { ...answer, links: linksOf(files, answer.cuda), trace: answer.cuda.trace }
  }
  const linked = (text: string, subject: string, region: RegExp) => {
    const found = answered(text, subject).links.find(link => region.test(link.region))
    return found ?? expect.fail(`no region ${region.source}`)
  }

  it('comes with its target, choices and facts', () => {
    const { target, parameters, problems } = answered(fused, 'fused')
    expect({ target, parameters, problems })
      .toEqual({ target: 'sm_80', parameters: [{ name: 'block_k', text: '4' }], problems: [] })
  })
  it('links what was fused in with its operator, through the graph', () => {
    const { from, through, declaration } = linked(fused, 'dense', /^fmaxf/)
    expect(from).toContain('max(x[...i], 0)')
    expect(through).toContain('relu(y)')
    expect(declaration).toBe('operator relu')
  })
  it('links what was fused in with operators of the library', () => {
    const { trace } = answered(library, 'layer')
    const { from, through, declaration } = linked(library, 'layer', /^fmaxf/)
    expect(trace.sources).toContain('heddle-std:/elementwise.heddle')
    expect(from.some(text => text.startsWith('max('))).toBe(true)
    expect(through.some(text => text.startsWith('relu('))).toBe(true)
    expect(declaration).toBe('operator relu')
  })
  it('counts what helpers made to the schedule that uses them', () => {
    const loop = answered(fused, 'dense').links.filter(link => link.from.some(text => text === 'repeat(4, 4)'))
    expect(loop.length).toBeGreaterThan(0)
    expect(new Set(loop.map(link => link.declaration))).toEqual(new Set(['schedule matmul.tiled']))
  })
  it('has regions in order, each inside of its parent', () => {
    const { links } = answered(library, 'layer')
    const before = ([line = 0, character = 0]: readonly number[], [other = 0, otherCharacter = 0]: readonly number[]) =>
      line - other || character - otherCharacter
    for (const [index, { numbers, parent }] of links.entries()) {
      expect(parent).toBeLessThan(index)
      expect(before(links[index - 1]?.numbers ?? [], numbers)).toBeLessThanOrEqual(0)
      const outer = links[parent]?.numbers
      if (outer !== undefined) expect(before(numbers.slice(2), outer.slice(2))).toBeLessThanOrEqual(0)
    }
  })
})

describe('what cannot be compiled', () => {
  const check = (text: string, subject: string, message: RegExp, target?: string) => {
    const answer = open(text, target).cuda(subject)
    expect(answer.cuda).toBeUndefined()
    expect(answer.problems.map(p => p.message).join('\n')).toMatch(message)
  }
  it('says that the subject is gone', () => { check(fused, 'nothing', /There is no .*`nothing`/) })
  it('says what is wrong in the declaration, not what follows from it', () => {
    check(`${fused}\ninstance broken = matmul.tiled(m: oops)\n`, 'broken', /^`oops`/)
  })
  it('says which limit of the target is exceeded', () => {
    const large = fused.replace('let tile = spatial(8, 8) * repeat(4, 4)', 'let tile = spatial(8, 8) * repeat(256, 1)')
    check(large, 'square', /sm_75/, 'sm_75')
  })
})

describe('candidates', () => {
  it('are counted by level', () => {
    const { candidates } = open(fused)
    expect([0, 1, 2].map(level => candidates('matmul.tiled', level)?.candidates.length)).toEqual([1, 2, 3])
    expect(candidates('matmul.tiled', 0)?.levels).toEqual([0, 1, 2])
  })
  it('have choices and facts', () => {
    const text = 'import "std/matmul"\ninstance i = batch_matmul.simt(batch: 1, m: 64, n: 64, k: 64)\n'
    const space = open(text).candidates('i', 1)
    expect(space?.candidates.length).toBe(25)
    expect(space?.raw).toBe(48)
    expect(space?.candidates[0]?.parameters.map(p => p.name)).toContain('block_k')
    expect(space?.candidates[0]?.facts.map(f => f.name)).toContain('threads')
  })
  it('are none of what does not exist', () => { expect(open(fused).candidates('nothing', 0)).toBeNull() })
})

const nvcc = needs('nvcc')
describe(`build facts (${nvcc.label})`, () => {
  it.skipIf(nvcc.missing)('are those of ptxas, by kernel', async () => {
    const params = { textDocument: { uri }, subject: 'fused' }
    const answer = await buildFacts(open(fused).program, uri, params, new AbortController().signal)
    expect(answer.kind).toBe('facts')
    if (answer.kind === 'facts') expect(answer.kernels[0]?.text).toMatch(/^\d+ registers, .*no spills$/)
  })
  it.skipIf(nvcc.missing)('are none of what does not compile', async () => {
    const params = { textDocument: { uri }, subject: 'nothing' }
    expect(await buildFacts(open(fused).program, uri, params, new AbortController().signal)).toEqual({ kind: 'none' })
  })
})

it('a missing toolkit is an answer', async () => {
  const server = await startServer({ environment: { PATH: '' } })
  const { textDocument } = server.open('main.heddle', fused)
  const params: CudaParams = { textDocument, subject: 'fused' }
  expect(await server.connection.sendRequest(buildFactsOf, params))
    .toEqual({ kind: 'missing', message: expect.stringMatching(/nvcc/) as string })
  await server.stop()
})
