/**
 * The TextMate grammar of PTX, the assembly that nvcc makes of CUDA, from which `ptx.tmLanguage.json` is written:
 * `node syntaxes/ptx-grammar.ts`.
 *
 *     @%p1 bra $L__BB0_2;         variable.other.register, keyword.control.flow, entity.name.label
 *     ld.global.nc.u32 %r6, ...   keyword.mnemonic, storage.modifier.space, keyword.other.modifier, storage.type
 *
 * An instruction is any dotted word, so that those of later PTX versions have their colours too; the few without a dot
 * are listed. What starts with a dot is told apart by word lists: a type, a state space, a directive, else a modifier.
 * Words: "Parallel Thread Execution ISA", sections on directives, state spaces, types and instructions.
 */
import { writeFileSync } from 'node:fs'
import type { Rule } from './grammar.ts'

const types =
  'pred|[busf](?:8|16|32|64)|[bu]128|bf16|tf32|f16x2|bf16x2|f32x2|[su]16x2|[su]8x4|e4m3|e5m2|e4m3x2|e5m2x2|e[23]m[123]' +
  '|e[23]m[123]x2|ue8m0|ue8m0x2|[bus]4|b1|texref|samplerref|surfref'
const spaces = 'reg|sreg|const|global|local|param|shared(?:::(?:cta|cluster))?|tex|generic|to'
const directives =
  'version|target|address_size|entry|func|alias|visible|extern|weak|common|align|branchtargets|callprototype|calltargets' +
  '|maxnreg|maxntid|reqntid|minnctapersm|maxnctapersm|noreturn|pragma|file|loc|section|language|explicitcluster' +
  '|reqnctapercluster|maxclusterrank|managed|attribute|unified|ptr|blocksareclusters|abi_preserve|abi_preserve_control'
const flow = 'bra|brx|call|ret|exit|trap|brkpt'
const undotted = 'activemask|nanosleep|pmevent|membar|fence|bar|barrier'
const special =
  'tid|ntid|laneid|warpid|nwarpid|ctaid|nctaid|smid|nsmid|gridid|is_explicit_cluster|clusterid|nclusterid|cluster_ctaid' +
  '|cluster_nctaid|cluster_ctarank|cluster_nctarank|lanemask_(?:eq|le|lt|ge|gt)|clock|clock64|clock_hi|pm\\d+(?:_64)?' +
  '|envreg\\d+|globaltimer|globaltimer_lo|globaltimer_hi|reserved_smem_offset_\\w+|total_smem_size|aggr_smem_size' +
  '|dynamic_smem_size|current_graph_exec'

const identifier = '[A-Za-z][\\w$]*|[_$%][\\w$]+'

const scope = (text: string): string => text.split(' ').map(word => `${word}.ptx`).join(' ')
const include = (...names: string[]): Rule[] => names.map(text => ({ include: `#${text}` }))
const token = (match: string, text: string): Rule => ({ name: scope(text), match })
function groups(...scopes: string[]): Readonly<Record<string, Rule>> {
  return Object.fromEntries(scopes.map((text, index) => [String(index + 1), { name: scope(text) }]))
}

const repository: Readonly<Record<string, Rule>> = {
  comments: {
    patterns: [
      { name: scope('comment.line.double-slash'), match: '(//).*$', captures: groups('punctuation.definition.comment') },
      {
        name: scope('comment.block'), begin: '/\\*', end: '\\*/',
        beginCaptures: { 0: { name: scope('punctuation.definition.comment.begin') } },
        endCaptures: { 0: { name: scope('punctuation.definition.comment.end') } },
      },
    ],
  },
  strings: {
    name: scope('string.quoted.double'), begin: '"', end: '"|$',
    beginCaptures: { 0: { name: scope('punctuation.definition.string.begin') } },
    endCaptures: { 0: { name: scope('punctuation.definition.string.end') } },
    patterns: [token('\\\\.', 'constant.character.escape')],
  },
  functions: {
    comment: 'The name of a kernel, or of a function behind its results.',
    match: `(\\.entry|\\.func)\\s+(?:(\\([^()]*\\))\\s*)?(${identifier})`,
    captures: {
      ...groups('storage.type.function', 'meta.results', 'entity.name.function'),
      2: { name: scope('meta.results'), patterns: [{ include: '$self' }] },
    },
  },
  calls: {
    comment: '`call (results), name, (arguments)` and `call.uni name, ...`.',
    match: `\\b(call)((?:\\.\\w+)*)\\s+(?:(\\([^()]*\\))\\s*,\\s*)?(${identifier})(?!%)`,
    captures: {
      ...groups('keyword.control.flow', 'keyword.other.modifier', 'meta.results', 'entity.name.function'),
      3: { name: scope('meta.results'), patterns: [{ include: '$self' }] },
    },
  },
  labels: { match: `^\\s*(${identifier})(:)(?!:)`, captures: groups('entity.name.label', 'punctuation.separator.label') },
  predicates: {
    match: '(@)(!)?(?=%|[A-Za-z_$])', captures: groups('keyword.operator.predicate', 'keyword.operator.logical'),
  },
  instructions: {
    patterns: [
      {
        match: `(?<![\\w$%.])(${flow})((?:\\.[\\w:]+)*)(?![\\w$])`,
        captures: { ...groups('keyword.control.flow'), 2: { patterns: include('dotted') } },
      },
      {
        match: `(?<![\\w$%.\\[])((?:[a-z][a-z0-9_]*)(?=\\.[a-z])|(?:${undotted})(?![\\w$.]))((?:\\.[\\w:]+)*)`,
        captures: { ...groups('keyword.mnemonic'), 2: { patterns: include('dotted') } },
      },
    ],
  },
  dotted: {
    patterns: [
      token(`\\.(?:${types})(?![\\w:])`, 'storage.type'),
      token('\\.v[248](?![\\w:])', 'storage.type.vector'),
      token(`\\.(?:${spaces})(?![\\w:])`, 'storage.modifier.space'),
      token(`\\.(?:${directives})(?![\\w:])`, 'keyword.other.directive'),
      token('\\.\\w+(?:::\\w+)*', 'keyword.other.modifier'),
    ],
  },
  targets: token('\\b(?:sm|compute)_\\d+[af]?\\b|\\btexmode_(?:unified|independent)\\b', 'support.constant.target'),
  registers: {
    patterns: [
      { match: `(%(?:${special}))(?![\\w$])(?:(\\.)([xyzw])\\b)?`, captures: groups('variable.language', 'punctuation.accessor', 'variable.language') },
      { match: '(%[A-Za-z_$][\\w$]*)(?:(<)(\\d+)(>))?', captures: groups('variable.other.register', 'punctuation.definition.range.begin', 'constant.numeric.integer', 'punctuation.definition.range.end') },
      token('(?<![\\w$%.])(?:WARP_SZ|_)(?![\\w$])', 'variable.language'),
    ],
  },
  numbers: {
    patterns: [
      token('(?<![\\w$%.])0[fF][0-9a-fA-F]{8}(?![\\w$])', 'constant.numeric.float.single'),
      token('(?<![\\w$%.])0[dD][0-9a-fA-F]{16}(?![\\w$])', 'constant.numeric.float.double'),
      token('(?<![\\w$%.])0[xX][0-9a-fA-F]+U?(?![\\w$])', 'constant.numeric.integer.hexadecimal'),
      token('(?<![\\w$%.])0[bB][01]+U?(?![\\w$])', 'constant.numeric.integer.binary'),
      token('(?<![\\w$%.])\\d+(?:\\.\\d+(?:[eE][+-]?\\d+)?|[eE][+-]?\\d+)(?![\\w$])', 'constant.numeric.float'),
      token('(?<![\\w$%.])\\d+U?(?![\\w$])', 'constant.numeric.integer'),
    ],
  },
  jumps: token('\\$[\\w$]+', 'entity.name.label'),
  names: token(identifier, 'variable.other'),
  operators: {
    patterns: [
      token('[-+*/%&|^~!?<>=]+', 'keyword.operator'), token(',', 'punctuation.separator.comma'),
      token(';', 'punctuation.terminator.statement'), token('[\\[\\](){}]', 'punctuation.section'),
    ],
  },
}

const grammar = {
  $schema: 'https://raw.githubusercontent.com/martinring/tmlanguage/master/tmlanguage.json',
  comment: 'Written by syntaxes/ptx-grammar.ts; change that file and run `node syntaxes/ptx-grammar.ts`.',
  name: 'PTX',
  scopeName: 'source.ptx',
  fileTypes: ['ptx'],
  patterns: include('comments', 'strings', 'functions', 'calls', 'labels', 'predicates', 'targets', 'instructions', 'dotted',
    'registers', 'numbers', 'jumps', 'names', 'operators'),
  repository,
}

/** The text of `ptx.tmLanguage.json`. */
export const ptxGrammarText = JSON.stringify(grammar, null, 2) + '\n'

if (import.meta.main) writeFileSync(new URL('ptx.tmLanguage.json', import.meta.url), ptxGrammarText)
