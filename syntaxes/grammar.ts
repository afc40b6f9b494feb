/**
 * The TextMate grammar of Heddle, from which `heddle.tmLanguage.json` is written: `node syntaxes/grammar.ts`.
 *
 * Colours must be there before the language server has read anything, so this grammar sees one line at a time and knows
 * no declarations; the server's semantic tokens refine what it cannot know (which name is a type parameter, which a
 * mapping). JSON cannot name a part of a regular expression, and every rule needs "a name that is not a reserved word",
 * hence this file. Form in: the word lists and rules below. Form out: the grammar as VS Code reads it, for example
 *
 *     tune block_k = 8  ->  storage.type.tune, variable.other.constant, keyword.operator.assignment, constant.numeric
 *
 * Newlines mean nothing in Heddle, but most heads stand on one line, and what begins on one line may end on a later one
 * (parentheses, brackets, heads up to their `{`). A head or bracket that the writer has not closed yet ends at the next
 * word that can only begin a declaration or a statement, so that the rest of the file keeps its colours.
 */
import { writeFileSync } from 'node:fs'

export interface Rule {
  readonly comment?: string
  readonly name?: string
  readonly include?: string
  readonly match?: string
  readonly begin?: string
  readonly end?: string
  readonly captures?: Captures
  readonly beginCaptures?: Captures
  readonly endCaptures?: Captures
  readonly patterns?: readonly Rule[]
}
type Captures = Readonly<Record<string, Rule>>

// ---------------------------------------------------------------- parts of regular expressions

const reserved = [
  'import', 'let', 'var', 'fn', 'device', 'for', 'in', 'if', 'then', 'else', 'while', 'break', 'continue', 'return',
  'require', 'shared', 'register', 'reuses', 'unroll', 'async', 'where', 'true', 'false'
].join('|')
const declarators = 'operator|schedule|graph|instance|mapping|kernel|tune|workspace'
const kindsOfValues = 'int|float|number|string|shape|tuple|list|mapping|layout|dtype|reducer|loop|architecture'
  + '|tensor|position|pointwise|reduction'
const functions = 'sizeof|accumulator|broadcast|align|divisible|fused|max|min|abs|exp|log|sqrt|rsqrt|pow|tanh|erf|sin|cos'
  + '|floor|ceil|round'
const mappingAtoms = 'spatial|repeat|col_spatial|col_repeat|auto_map|cover'

const name = `(?!(?:${reserved})\\b)[A-Za-z_]\\w*`
/** In brackets a name followed by `<` is a binder: an index holds arithmetic only. */
const binderAhead = `(?=\\s*(?:\\.\\.\\.\\s*)?${name}\\s*<(?![<=]))`
const callAhead = '(?=\\s*\\()'
/** A new declaration or statement begins here; `let` and `for` also stand inside comprehensions and heads. */
const newDeclaration =
  `(?=\\b(?:let|var|fn|device|import|require|return|while)\\b)|(?=^\\s*(?:${declarators})\\s)`
const newStatement = `(?=\\b(?:if|for)\\b)|${newDeclaration}`

// ---------------------------------------------------------------- shapes of rules

const scope = (text: string): string => text.split(' ').map(word => `${word}.heddle`).join(' ')
const include = (...names: string[]): Rule[] => names.map(text => ({ include: `#${text}` }))

/** Scopes for the groups 1, 2, ... of a regular expression. */
function groups(...scopes: string[]): Captures {
  return Object.fromEntries(scopes.map((text, index) => [String(index + 1), { name: scope(text) }]))
}

const word = (words: string, text: string): Rule => ({ name: scope(text), match: `\\b(?:${words})\\b` })
const token = (match: string, text: string): Rule => ({ name: scope(text), match })

function bracketed(open: string, close: string, kind: string, patterns: readonly Rule[], recovery?: string): Rule {
  return {
    begin: open,
    beginCaptures: { 0: { name: scope(`punctuation.section.${kind}.begin`) } },
    end: recovery === undefined ? `(${close})` : `(${close})|${recovery}`,
    endCaptures: groups(`punctuation.section.${kind}.end`),
    patterns
  }
}

/** A declaration's head: from its word and name up to where its body or value begins. */
function head(kind: string, nameScope: string, end: string, patterns: readonly Rule[]): Rule {
  return {
    name: scope(`meta.${kind}`),
    begin: `\\b(${kind})\\s+(${name})`,
    beginCaptures: groups(`storage.type.${kind}`, nameScope),
    end,
    patterns
  }
}

// ---------------------------------------------------------------- the language

const comments: Rule = {
  patterns: [
    {
      name: scope('comment.line.documentation'),
      match: '(///)(.*)$',
      captures: {
        ...groups('punctuation.definition.comment'),
        2: { patterns: [token('`[^`]+`', 'markup.inline.raw')] }
      }
    },
    { name: scope('comment.line.double-slash'), match: '(//).*$', captures: groups('punctuation.definition.comment') }
  ]
}

const strings: Rule = {
  comment: 'A string ends with its line, closed or not.',
  name: scope('string.quoted.double'),
  begin: '"',
  beginCaptures: { 0: { name: scope('punctuation.definition.string.begin') } },
  end: '(")|$',
  endCaptures: groups('punctuation.definition.string.end'),
  patterns: [token('\\\\.', 'constant.character.escape')]
}

const numbers: Rule = {
  comment: 'A point belongs to a number only where a digit follows: 0..4 is a range.',
  patterns: [
    token('(?<!\\w)0[xX][0-9a-fA-F_]+', 'constant.numeric.integer.hexadecimal'),
    token('(?<!\\w)\\d[\\d_]*(?:\\.\\d[\\d_]*(?:[eE][+-]?\\d+)?|[eE][+-]?\\d+)', 'constant.numeric.float'),
    token('(?<!\\w)\\d[\\d_]*', 'constant.numeric.integer.decimal')
  ]
}

const declarations: Readonly<Record<string, Rule>> = {
  function: {
    comment: 'In the library a head may stand without a body.',
    name: scope('meta.function'),
    begin: `\\b(?:(fn)|(device))\\b(?:\\s+(${name}))?`,
    beginCaptures: groups('storage.type.function', 'storage.type.function.device', 'entity.name.function'),
    end: `(?=[={}])|${newStatement}`,
    patterns: [...include('type-parameters', 'parameters', 'lexical'), {
      begin: '->',
      beginCaptures: { 0: { name: scope('keyword.operator.arrow') } },
      end: `(?=[={}]|$)|${newStatement}`,
      patterns: include('types')
    }]
  },
  operator: head('operator', 'entity.name.function.operator', `(?=[{}])|${newStatement}`, [
    ...include('type-parameters', 'parameters', 'parameter', 'annotation'),
    token('->', 'keyword.operator.arrow'),
    {
      begin: '\\bwhere\\b',
      beginCaptures: { 0: { name: scope('keyword.other.where') } },
      end: `(?=\\{)|${newDeclaration}`,
      patterns: include('code')
    },
    ...include('lexical')
  ]),
  schedule: head('schedule', 'entity.name.type.schedule', `(?=[{}])|${newDeclaration}`, [
    ...include('implemented-operator'),
    word('given', 'keyword.other.given'),
    word('applies\\s+when', 'keyword.other.applies'),
    ...include('code')
  ]),
  graph: head('graph', 'entity.name.function.graph', `(?=[{}])|${newDeclaration}`,
    include('implemented-operator', 'parameters', 'lexical')),
  mapping: head('mapping', 'entity.name.function.mapping', `(?=[={}])|${newStatement}`, [
    bracketed('\\(', '\\)', 'parens', include('binder', 'code'), '(?=[{}])'),
    token('->', 'keyword.operator.arrow'),
    ...include('lexical')
  ]),
  kernel: {
    match: `\\b(kernel)\\s+(${name})`,
    captures: groups('storage.type.kernel', 'entity.name.function.kernel')
  },
  instance: {
    match: `\\b(instance)\\s+(${name})(?:\\s*(=)\\s*(${name})(?:(\\.)(${name}))?)?`,
    captures: groups('storage.type.instance', 'entity.name.type.instance', 'keyword.operator.assignment',
      'entity.name.function.operator', 'punctuation.accessor', 'entity.name.type.schedule')
  }
}

/** What heads are made of. */
const headParts: Readonly<Record<string, Rule>> = {
  'implemented-operator': {
    match: `\\b(for)\\b(?:\\s+(pointwise|reduction)(?=\\s+${name}))?(?:\\s+(${name}))?`,
    captures: groups('keyword.other.for', 'storage.modifier.family', 'entity.name.function.operator')
  },
  'type-parameters': {
    begin: '<',
    beginCaptures: { 0: { name: scope('punctuation.definition.typeparameters.begin') } },
    end: '(>)|(?=[({=])',
    endCaptures: groups('punctuation.definition.typeparameters.end'),
    patterns: [
      {
        begin: ':',
        beginCaptures: { 0: { name: scope('punctuation.separator.annotation') } },
        end: '(?=[,>({=])',
        patterns: include('types')
      },
      ...include('lexical'),
      token(`\\b${name}`, 'entity.name.type.parameter')
    ]
  },
  parameters: bracketed('\\(', '\\)', 'parens', [
    ...include('parameter', 'annotation'),
    {
      comment: 'A default, or the layout that a tensor must have.',
      begin: '(=)|\\b(in)\\b',
      beginCaptures: groups('keyword.operator.assignment', 'keyword.control.in'),
      end: '(?=[,){}]|(?<![=!<>])=(?!=))',
      patterns: include('code')
    },
    ...include('lexical')
  ], `(?=[{}])|${newStatement}`),
  parameter: { match: `(${name})\\s*(?=:)`, captures: groups('variable.parameter') },
  annotation: {
    comment: 'In parentheses a name before `:` is an argument; elsewhere a type follows.',
    begin: ':',
    beginCaptures: { 0: { name: scope('punctuation.separator.annotation') } },
    end: '(?=[,)=;{}\\]]|\\b(?:in|reuses|where)\\b|$)',
    patterns: include('types')
  },
  types: {
    patterns: [
      ...include('contextual-words', 'lexical', 'primitive-types'),
      word(kindsOfValues, 'support.type.kind'),
      token(`\\b${name}`, 'entity.name.type'),
      token('\\|', 'keyword.operator.type'),
      bracketed('\\[', '\\]', 'brackets', include('code')),
      bracketed('\\(', '\\)', 'parens', include('types'))
    ]
  },
  'primitive-types': word('f64|f32|tf32|bf16|f16|[iu](?:8|16|32|64)|bool', 'support.type.primitive')
}

/** A statement's word together with the name that it introduces. */
function binding(words: string, wordScope: string, nameScope: string, ahead = ''): Rule {
  return { match: `\\b(${words})\\s+(${name})${ahead}`, captures: groups(wordScope, nameScope) }
}

const bindings: Rule = {
  patterns: [
    {
      begin: `\\b(?:(let)|(for))${callAhead}`,
      beginCaptures: groups('storage.type.let', 'keyword.control.loop'),
      end: '(?<=\\))|(?=[={}]|\\bin\\b)',
      patterns: include('tuple-pattern')
    },
    binding('let', 'storage.type.let', 'variable.other.constant'),
    binding('for', 'keyword.control.loop', 'variable.other.constant'),
    binding('var', 'storage.type.var', 'variable.other.readwrite'),
    binding('tune', 'storage.type.tune', 'variable.other.constant'),
    binding('workspace', 'storage.modifier.scope', 'variable.other.readwrite'),
    binding('shared|register', 'storage.modifier.scope', 'variable.other.readwrite', '(?=\\s*:)')
  ]
}

const tuplePattern = bracketed('\\(', '\\)', 'parens', [
  ...include('tuple-pattern', 'lexical'),
  token(`\\b${name}`, 'variable.other.constant')
], '(?=[={}]|\\bin\\b)')

const contextualWords: Rule = {
  comment: 'Words of the field stay free as names: each is a keyword only where its neighbour says so.',
  patterns: [
    token('\\blevel(?=\\s+\\d)', 'keyword.other.level'),
    token(`\\binverse(?=\\s+${name}\\s*\\[)`, 'keyword.other.inverse'),
    token('\\bparallel(?=\\s+for\\b)', 'storage.modifier.loop'),
    token(`\\bglobal(?=\\s+${name})`, 'storage.modifier.scope')
  ]
}

const reservedWords: Rule = {
  patterns: [
    word('import', 'keyword.control.import'),
    word('if|then|else', 'keyword.control.conditional'),
    word('for|while', 'keyword.control.loop'),
    word('in', 'keyword.control.in'),
    word('break|continue|return', 'keyword.control.flow'),
    word('require', 'keyword.control.require'),
    word('where', 'keyword.other.where'),
    word('reuses', 'keyword.other.reuses'),
    word('fn|device', 'storage.type.function'),
    word('let', 'storage.type.let'),
    word('var', 'storage.type.var'),
    word('shared|register', 'storage.modifier.scope'),
    word('unroll|async', 'storage.modifier.loop'),
    word('true|false', 'constant.language.boolean')
  ]
}

const member = (words: string, text: string): Rule =>
  ({ match: `(\\.)(${words})`, captures: groups('punctuation.accessor', text) })

const members: Rule = {
  patterns: [
    member(`(?:${mappingAtoms})${callAhead}`, 'support.function.mapping'),
    member(`(?:on|at|project|swizzle|permute|reshape)${callAhead}`, 'support.function.member'),
    member(`${name}${callAhead}`, 'entity.name.function.member'),
    member('(?:shape|workers|tasks|layout|rank|size|[xyz])\\b', 'support.variable.property'),
    member(name, 'variable.other.property')
  ]
}

const reductions: Rule = {
  comment: '`sum[p < k] body`, also with a reducer that was passed as a value: `op[p < k] body`.',
  patterns: [
    token(`\\b(?:sum|prod|max|min|avg|any|all|argmax|argmin)\\b(?=\\s*\\[${binderAhead})`, 'support.function.reducer'),
    token(`\\b${name}(?=\\s*\\[${binderAhead})`, 'entity.name.function.reducer')
  ]
}

const builtins: Rule = {
  patterns: [
    token(`\\b(?:${mappingAtoms})${callAhead}`, 'support.function.mapping'),
    token(`\\b(?:row_major|column_major|strided|local)${callAhead}`, 'support.function.layout'),
    token('\\b(?:vector|unrolled|rolled)\\b|(?<=, )parallel(?=\\s*[,()])', 'support.constant.loop'),
    token('\\b(?:threadIdx|blockIdx|blockDim|gridDim)\\b|\\btarget(?=\\s*\\.)', 'variable.language'),
    token('\\bsm_\\d+[a-z]?\\b', 'support.constant.target'),
    token('\\binf\\b', 'constant.language'),
    token(`\\b(?:syncthreads|commit_group|wait_group|ldmatrix|mma|shfl_\\w+|atomic_\\w+|assert)${callAhead}`,
      'support.function.device'),
    token(`\\b(?:${functions})${callAhead}`, 'support.function')
  ]
}

const brackets: Rule = {
  patterns: [
    bracketed('\\(', '\\)', 'parens', [
      {
        match: `(${name})\\s*(:)`,
        captures: groups('variable.parameter.function-call', 'punctuation.separator.key-value')
      },
      ...include('code')
    ]),
    bracketed('\\[', '\\]', 'brackets', include('code'))
  ]
}

const operators: Rule = {
  comment: 'Longest first.',
  patterns: [
    token('\\.\\.\\.', 'keyword.operator.spread'),
    token('\\.\\.\\+?', 'keyword.operator.range'),
    token('->', 'keyword.operator.arrow'),
    token('\\?\\?', 'keyword.operator.guard'),
    token('=\\?', 'keyword.operator.assignment.guarded'),
    token('<<|>>', 'keyword.operator.bitwise.shift'),
    token('[=!<>]=|[<>]', 'keyword.operator.comparison'),
    token('&&|\\|\\||!', 'keyword.operator.logical'),
    token('[-+*/%&|^]=', 'keyword.operator.assignment.compound'),
    token('[&|^~]', 'keyword.operator.bitwise'),
    token('=', 'keyword.operator.assignment'),
    token('[-+*/%]', 'keyword.operator.arithmetic')
  ]
}

const punctuation: Rule = {
  patterns: [
    token(',', 'punctuation.separator.comma'),
    token(';', 'punctuation.terminator.statement'),
    token('\\{', 'punctuation.section.block.begin'),
    token('\\}', 'punctuation.section.block.end')
  ]
}

export const grammar = {
  $schema: 'https://raw.githubusercontent.com/martinring/tmlanguage/master/tmlanguage.json',
  comment: 'Written by syntaxes/grammar.ts; change that file and run `node syntaxes/grammar.ts`.',
  name: 'Heddle',
  scopeName: 'source.heddle',
  fileTypes: ['heddle'],
  patterns: include('code'),
  repository: {
    code: {
      patterns: include(...Object.keys(declarations), 'bindings', 'contextual-words', 'lexical', 'members',
        'reductions', 'binders', 'builtins', 'primitive-types', 'calls', 'brackets', 'operators', 'annotation', 'names')
    },
    lexical: {
      comment: 'What looks the same in every context, also where it is an error.',
      patterns: include('comments', 'strings', 'numbers', 'reserved-words', 'punctuation')
    },
    comments,
    strings,
    numbers,
    ...declarations,
    ...headParts,
    bindings,
    'tuple-pattern': tuplePattern,
    'contextual-words': contextualWords,
    'reserved-words': reservedWords,
    members,
    reductions,
    binders: bracketed(`\\[${binderAhead}`, '\\]', 'brackets', include('binder', 'code')),
    binder: {
      match: `(${name})\\s*(<)(?![<=])`,
      captures: groups('variable.parameter.binder', 'keyword.operator.binder')
    },
    builtins,
    calls: token(`\\b${name}${callAhead}`, 'entity.name.function.call'),
    brackets,
    operators,
    punctuation,
    names: token(`\\b${name}`, 'variable.other.readwrite')
  }
}

/** The text of `heddle.tmLanguage.json`. */
export const grammarText = JSON.stringify(grammar, null, 2) + '\n'

if (import.meta.main) writeFileSync(new URL('heddle.tmLanguage.json', import.meta.url), grammarText)
