/**
 * Which declaration each name means.
 *
 * In: the tree of a file and what is visible from outside (imports, built-in names). Out: for each name, declaring or
 * using, its definition; the uses of each definition; the scopes, for completion. Definitions of other files are their
 * own objects, so that two uses mean the same thing exactly if they have the same definition.
 *
 *     operator scale(x: T[n]) ...        `n` is declared here: a bare name in a shape that means nothing else
 *     schedule s for scale { ... n ... } and means the same inside the operator's schedules
 *
 * Names of a file are visible in all of it, but a compile-time value only below its declaration. Inside blocks,
 * schedules and signatures a name is visible after its declaration. Members (`m.shape`) depend on values and are
 * resolved by evaluate.ts.
 */
import { diagnostic, type Diagnostic, type Related } from './diagnostics.ts'
import { listText, nearest } from './suggestions.ts'
import type { Lexed } from './syntax/lexer.ts'
import type {
  Argument, Axis, Binder, Call, Declaration, Device, Expr, File, Fn, Graph, Instance, Name, NameRef, Node, Operator,
  Param, Pattern, Schedule, TypeParam, Where
} from './syntax/tree.ts'
import { forEachChild, spanOf } from './syntax/walk.ts'

export type DefinitionKind =
  | 'let' | 'function' | 'device' | 'mapping' | 'operator' | 'schedule' | 'graph' | 'instance' | 'kernel'
  | 'parameter' | 'result' | 'type-parameter' | 'shape-variable' | 'stage' | 'index'
  | 'tune' | 'workspace' | 'variable' | 'tensor' | 'family'

/** One declaration of a name. Objects are compared by identity. */
export interface Definition {
  readonly name: string
  readonly kind: DefinitionKind
  readonly uri: string
  /** The tokens of its file, for `spanOf`. */
  readonly parsed: Lexed
  /** Where the name stands: a `Name`, or for a shape variable its first `NameRef`. */
  readonly nameNode: Name | NameRef
  /** The construct that declares it: `Let`, `Fn`, `Param`, `Dim`, `For`, ... */
  readonly node: Node
  /** Of a function, operator or schedule: the names that callers, schedules and instances may bind or see. */
  readonly scope: Scope | undefined
}

export interface Scope { readonly names: Map<string, Definition>; readonly outer: Scope | undefined }

export interface Resolved {
  /** Declared in this file, in the order of resolution. */
  readonly definitions: readonly Definition[]
  /** Of each declaring and each using occurrence in this file. */
  readonly definitionOf: ReadonlyMap<Name | NameRef, Definition>
  /** Using occurrences in this file, of its own and of imported definitions. */
  readonly usesOf: ReadonlyMap<Definition, readonly (Name | NameRef)[]>
  /** The scope that a node opens: `File`, `Block`, `Fn`, `Schedule`, ... */
  readonly scopes: ReadonlyMap<Node, Scope>
  /** What other files see of this one. */
  readonly exports: ReadonlyMap<string, Definition>
  /**
   * Schedules and graphs `for` an operator, with the operator's definition (undefined: a family or an unknown
   * operator).
   */
  readonly schedules: readonly ScheduleEntry[]
  readonly diagnostics: readonly Diagnostic[]
}

export interface Resolution {
  readonly resolved: Resolved
  /** Adds what only evaluation knows: which member a name after a dot is. */
  use(ref: NameRef, definition: Definition): void
}

export interface ScheduleEntry { readonly operator: Definition | undefined; readonly definition: Definition }

/** What a file sees from outside. */
export interface Surroundings {
  /** The innermost names first; a file of the library that declares them sees none. */
  builtin(name: string): Definition | undefined
  /** All definitions of a name in the imported files; more than one is ambiguous. */
  imported(name: string): readonly Definition[]
  readonly schedules: readonly ScheduleEntry[]
  /** Some import could not be read: a name that is not found may be there, and is not reported. */
  readonly incomplete: boolean
  /** Names for suggestions. */
  visibleNames(): Iterable<string>
  /** The import path that would make a name visible. */
  libraryPath(name: string): string | undefined
  /** The same for a schedule that may serve the operator; of a graph any. */
  schedulePath(name: string, operator: Definition | undefined): string | undefined
  /**
   * In a library file: `builtin`, `none` and absent bodies mean that the compiler provides something; names may repeat.
   */
  readonly library: boolean
}

/** Resolves a file, or one expression that stands by itself. */
export function resolve(uri: string, source: Lexed, root: File | Expr, around: Surroundings): Resolution {
  const definitions: Definition[] = []
  const definitionOf = new Map<Name | NameRef, Definition>()
  const usesOf = new Map<Definition, (Name | NameRef)[]>()
  const scopes = new Map<Node, Scope>()
  const schedules: ScheduleEntry[] = []
  const diagnostics: Diagnostic[] = []
  const unresolved: { readonly ref: NameRef; readonly scope: Scope }[] = []
  const calls: { readonly call: Call; readonly callee: Definition }[] = []
  const top: Scope = { names: new Map(), outer: undefined }
  /** Inside the body of a function, which runs when it is called, not where it stands. */
  let deferred = false
  let loops = 0
  let pure = false

  // -------------------------------------------------------------- declaring and using
  const report = (code: Diagnostic['code'], node: Node, message: string, more?: Parameters<typeof diagnostic>[3]): void => {
    diagnostics.push(diagnostic(code, spanOf(source, node), message, more))
  }
  const inner = (outer: Scope, node?: Node): Scope => {
    const scope: Scope = { names: new Map(), outer }
    if (node) scopes.set(node, scope)
    return scope
  }
  function declare(
    nameNode: Name | NameRef, kind: DefinitionKind, node: Node, scope: Scope | undefined, own?: Scope
  ): Definition {
    const definition: Definition = { name: nameNode.text, kind, uri, parsed: source, nameNode, node, scope: own }
    if (nameNode.text === '' || nameNode.text === '_') return definition
    definitions.push(definition)
    definitionOf.set(nameNode, definition)
    if (!scope) return definition
    const first = scope.names.get(nameNode.text)
    if (first === undefined) scope.names.set(nameNode.text, definition)
    else if (!around.library) {
      report('duplicate-name', nameNode, `\`${nameNode.text}\` is declared twice. Give one of them another name.`,
        { related: [relatedTo(first, `the first \`${nameNode.text}\``)] })
    }
    return definition
  }
  function declarePattern(p: Pattern, kind: DefinitionKind, node: Node, scope: Scope): void {
    if (p.kind === 'Name') declare(p, kind, node, scope)
    else for (const item of p.items) declarePattern(item, kind, node, scope)
  }
  function use(ref: Name | NameRef, definition: Definition): void {
    definitionOf.set(ref, definition)
    noteUse(ref, definition)
  }
  function noteUse(ref: Name | NameRef, definition: Definition): void {
    const list = usesOf.get(definition)
    if (list) list.push(ref)
    else usesOf.set(definition, [ref])
  }
  function find(name: string, scope: Scope | undefined): Definition | undefined {
    for (let s = scope; s; s = s.outer) {
      const found = s.names.get(name)
      if (found) return found
    }
    return undefined
  }
  function lookUp(ref: NameRef, scope: Scope): Definition | undefined {
    const { text } = ref
    if (text === '') return undefined
    const own = find(text, scope)
    if (own) {
      if (own.uri === uri && top.names.get(text) === own && !deferred && isTooEarly(ref, own)) {
        report('use-before-declaration', ref, `\`${text}\` is used before its declaration. Values are declared above their first use.`,
          { related: [relatedTo(own, `\`${text}\` is declared here`)] })
        return undefined
      }
      if (own.nameNode !== ref) use(ref, own)
      return own
    }
    const imported = around.imported(text)
    if (imported.length > 1) {
      for (const d of imported) noteUse(ref, d)
      report('ambiguous-name', ref, `\`${text}\` is declared in ${imported.length} imported files. Rename it in one of them.`,
        { related: imported.map(d => relatedTo(d, `\`${text}\` of ${d.uri}`)) })
      return undefined
    }
    const outside = imported[0] ?? around.builtin(text)
    if (outside) use(ref, outside)
    else if (!(around.library && (text === 'builtin' || text === 'none'))) unresolved.push({ ref, scope })
    return outside
  }
  const isTooEarly = (ref: NameRef, d: Definition): boolean =>
    (d.kind === 'let' || d.kind === 'mapping') && (d.nameNode.first > ref.first || (d.node.first <= ref.first && ref.first < d.node.last))

  // -------------------------------------------------------------- signatures
  function typeParameters(list: readonly TypeParam[], scope: Scope): void {
    for (const t of list) {
      for (const bound of t.bounds) lookUp(bound, scope)
      declare(t.name, 'type-parameter', t, scope)
    }
  }
  /**
   * Parameters first, then what their types say: a bare name in a shape that means nothing else becomes a shape
   * variable.
   */
  function parameters(list: readonly Param[], kind: 'parameter' | 'result', scope: Scope): void {
    for (const p of list) declare(p.name, kind, p, scope)
    for (const p of list) if (kind === 'parameter') shapeVariables(p, scope)
  }
  function shapeVariables(p: Param, scope: Scope): void {
    if (p.type.kind !== 'TensorType') return
    for (const dim of p.type.dims) {
      const { size } = dim
      if (size.kind !== 'NameRef' || size.text === '' || size.text === '_') continue
      const own = find(size.text, scope)
      const meant = own ?? around.imported(size.text)[0]
      const isOther = meant?.kind === 'instance' || (meant?.scope !== undefined && !scope.names.has(size.text))
      if (!meant || isOther) declare(size, 'shape-variable', dim, scope)
    }
  }
  function signature(n: Signed, scope: Scope): void {
    const before = deferred
    deferred = n.kind === 'Fn' || n.kind === 'Device'
    if (n.kind !== 'Graph') typeParameters(n.typeParams, scope)
    parameters(n.params, 'parameter', scope)
    if (n.kind === 'Operator') parameters(n.results, 'result', scope)
    for (const p of n.params) walkParameter(p, scope)
    if (n.kind === 'Operator') {
      wheres(n.wheres, scope)
      for (const p of n.results) walkParameter(p, scope)
    } else if (n.kind !== 'Graph' && n.result) walk(n.result, scope)
    deferred = before
  }
  function walkParameter(p: Param, scope: Scope): void {
    walk(p.type, scope)
    if (p.default) walk(p.default, scope)
  }
  function wheres(list: readonly Where[], scope: Scope): void {
    for (const w of list) {
      walk(w.value, scope)
      declarePattern(w.target, 'let', w, scope)
    }
  }

  // -------------------------------------------------------------- bodies
  function body(n: Fn | Device, scope: Scope): void {
    const before = { deferred, loops, pure }
    deferred = true
    loops = 0
    pure = n.kind === 'Fn'
    if (n.body) walk(n.body, scope)
    else if (!around.library) {
      report('missing-body', n.name, `\`${n.name.text}\` has no body. ${n.kind === 'Fn' ? 'Write `= value`, or a block that returns one.' : 'Write a block.'}`)
    }
    deferred = before.deferred
    loops = before.loops
    pure = before.pure
  }
  /** `value where ...` under declared indices. */
  function defined(
    node: Node, axes: readonly (Axis | Binder)[], value: Node, parts: readonly Where[], outer: Scope
  ): void {
    const scope = inner(outer, node)
    for (const axis of axes) declare(axis.name, 'index', axis, scope)
    wheres(parts, scope)
    walk(value, scope)
  }
  /** A schedule, or a graph that implements an operator: both see the operator's names, which lie around their own. */
  function schedule(n: Schedule | Graph, head: Schedule['head'], outer: Scope): void {
    const operator = head.kind === 'Family' ? undefined : lookUp(head, outer)
    const what = n.kind === 'Schedule' ? 'schedule' : 'graph'
    if (operator && operator.kind !== 'operator') {
      report('wrong-kind', head, `\`${operator.name}\` is ${kindText(operator)}; a ${what} is \`for\` an operator.`,
        { related: [relatedTo(operator, `\`${operator.name}\` is declared here`)] })
    }
    const within: Scope = operator?.kind === 'operator' && operator.scope ? { names: operator.scope.names, outer } : outer
    const scope = inner(within, n)
    if (head.kind === 'Family') declare(head.name, 'family', head, scope)
    const definition = declare(n.name, n.kind === 'Schedule' ? 'schedule' : 'graph', n, undefined, scope)
    const first = schedules.find(e => e.operator === operator && e.definition.name === n.name.text)
    if (first && n.name.text !== '' && (operator || head.kind === 'Family')) {
      report('duplicate-name', n.name, `\`${operator?.name ?? 'the family'}\` has two schedules \`${n.name.text}\`. Give one of them another name.`,
        { related: [relatedTo(first.definition, 'the first one')] })
    }
    schedules.push({ operator: operator?.kind === 'operator' ? operator : undefined, definition })
    if (n.kind === 'Schedule') {
      for (const given of n.given) lookUp(given, scope)
      if (n.applies) walk(n.applies, scope)
    }
    for (const m of n.members) walk(m, scope)
  }

  function walk(n: Node, s: Scope): void {
    switch (n.kind) {
      case 'NameRef': lookUp(n, s); return
      case 'Import': case 'NumberLiteral': case 'StringLiteral': case 'BooleanLiteral': case 'Missing': case 'Name': return
      case 'Let': walk(n.value, s); if (s !== top) declarePattern(n.target, 'let', n, s); return
      case 'Var': if (n.type) walk(n.type, s); walk(n.value, s); declare(n.name, 'variable', n, s); return
      case 'Allocation':
        if (pure) misplaced(n, `\`${n.scope}\` memory belongs to kernels; a \`fn\` computes values only.`)
        walk(n.type, s)
        for (const r of n.reuses) lookUp(r, s)
        if (n.value) walk(n.value, s)
        declare(n.name, 'tensor', n, s)
        return
      case 'Tune':
        walk(n.default, s)
        if (n.candidates) walk(n.candidates, s)
        for (const l of n.levels) walk(l.candidates, s)
        declare(n.name, 'tune', n, s)
        return
      case 'Workspace': walk(n.type, s); if (n.value) walk(n.value, s); declare(n.name, 'workspace', n, s); return
      case 'Fn': body(n, scopes.get(n) ?? s); return
      case 'Device': {
        if (pure) misplaced(n, 'A `device` function cannot be declared inside a `fn`.')
        let own = scopes.get(n)
        if (!own) {
          own = inner(s, n)
          declare(n.name, 'device', n, s, own)
          signature(n, own)
        }
        body(n, own)
        return
      }
      case 'CustomMapping': {
        walk(n.worker.extent, s)
        const own = inner(s, n)
        declare(n.worker.name, 'index', n.worker, own)
        walk(n.shape, s)
        walk(n.tasks, own)
        return
      }
      case 'Operator': {
        const own = inner(scopes.get(n) ?? s, n)
        for (const m of n.members) walk(m, own)
        definedOnce(n)
        return
      }
      case 'Definition': lookUp(n.tensor, s); defined(n, n.axes, n.value, n.wheres, s); return
      case 'Stage':
        for (const axis of n.axes) walk(axis.extent, s)
        defined(n, n.axes, n.value, n.wheres, s)
        declare(n.name, 'stage', n, s)
        return
      case 'Inverse': {
        lookUp(n.tensor, s)
        const own = inner(s, n)
        for (const axis of n.axes) declare(axis.name, 'index', axis, own)
        for (const index of n.indices) walk(index, own)
        return
      }
      case 'Schedule': schedule(n, n.head, s); return
      case 'Graph':
        if (n.operator) schedule(n, n.operator, s)
        else for (const m of n.members) walk(m, scopes.get(n) ?? s)
        return
      case 'Instance': return
      case 'Kernel':
        declare(n.name, 'kernel', n, s)
        for (const a of n.attributes) walk(a, s)
        walk(n.body, s)
        return
      case 'Block': {
        const own = inner(s, n)
        for (const statement of n.statements) walk(statement, own)
        return
      }
      case 'For': {
        if (pure && n.mode !== 'sequential') misplaced(n, `\`${n.mode} for\` is a loop of kernels; in a \`fn\` write \`for\`.`)
        if (n.factor) walk(n.factor, s)
        walk(n.over, s)
        const own = inner(s, n)
        declarePattern(n.target, 'index', n, own)
        loops++
        walk(n.body, own)
        loops--
        return
      }
      case 'While': walk(n.condition, s); loops++; walk(n.body, s); loops--; return
      case 'Break': case 'Continue':
        if (loops === 0) misplaced(n, `\`${n.kind === 'Break' ? 'break' : 'continue'}\` stands outside of any loop.`)
        return
      case 'Assignment': assignment(n.target, s); walk(n.value, s); return
      case 'Reduction': {
        lookUp(n.reducer, s)
        for (const b of n.binders) walk(b.extent, s)
        const own = inner(s, n)
        for (const b of n.binders) declare(b.name, 'index', b, own)
        walk(n.body, own)
        return
      }
      case 'Comprehension': {
        let own = s
        for (const g of n.generators) {
          walk(g.over, own)
          own = inner(own, g)
          declarePattern(g.target, 'index', g, own)
        }
        walk(n.item, own)
        return
      }
      case 'Member': walk(n.receiver, s); return
      case 'Call': {
        walk(n.callee, s)
        for (const a of n.args) walk(a.value, s)
        const callee = n.callee.kind === 'NameRef' ? definitionOf.get(n.callee) : undefined
        if (callee && n.args.some(a => a.name)) calls.push({ call: n, callee })
        return
      }
      case 'Argument': walk(n.value, s); return
      default: forEachChild(n, child => { walk(child, s) })
    }
  }
  /** Each result of an operator has one definition. */
  function definedOnce(n: Operator): void {
    for (const result of n.results) {
      const { text } = result.name
      const [first, ...others] = n.members.filter(m => m.kind === 'Definition' && m.tensor.text === text)
      if (!first && text !== '') report('no-value', result.name, `\`${n.name.text}\` does not say what \`${text}\` is. Define its elements: \`${text}[...] = ...\`.`)
      for (const other of others) {
        report('duplicate-name', other, `\`${text}\` is defined twice.`, { related: first ? [{ uri, span: spanOf(source, first), message: 'the first definition' }] : [] })
      }
    }
  }
  function misplaced(n: Node, message: string): void { report('misplaced-statement', n, message) }
  function assignment(target: Node, s: Scope): void {
    walk(target, s)
    if (target.kind !== 'NameRef') {
      if (pure && target.kind !== 'Missing') report('not-assignable', target, 'A `fn` changes only its own variables, as a whole. Declare one with `var`.')
      return
    }
    const definition = definitionOf.get(target)
    if (!definition || definition.kind === 'variable') return
    const advice = definition.kind === 'tensor' || definition.kind === 'workspace' || definition.kind === 'result'
      ? `Assign to its elements: \`${target.text}[...]\`.` : 'Declare it with `var` to change it.'
    report('not-assignable', target, `\`${target.text}\` is ${kindText(definition)} and cannot be assigned. ${advice}`,
      { related: [relatedTo(definition, `\`${target.text}\` is declared here`)] })
  }

  // -------------------------------------------------------------- what is resolved last
  /** Named arguments are names of parameters; of an operator also of its type and shape variables. */
  function namedArguments(
    args: readonly Argument[], callee: Definition, more: (name: string) => Definition | undefined,
    exempt: ReadonlySet<string>, others: readonly string[] = []
  ): void {
    if (!callee.scope) return
    for (const a of args) {
      if (!a.name || a.name.text === '') continue
      const { text } = a.name
      const found = callee.scope.names.get(text)
      const definition = found && bindable.has(found.kind) ? found : more(text)
      if (definition) use(a.name, definition)
      else if (!exempt.has(text)) {
        const isBound = (d: Definition): boolean => bindable.has(d.kind) && !(callee.kind === 'operator' && others.length > 0 && isTensorParameter(d))
        const names = [...callee.scope.names.values()].filter(isBound).map(d => d.name).concat(others)
        report('unknown-argument', a.name, `\`${callee.name}\` has no parameter \`${text}\`. ${suggestion(text, names) ?? parametersText(callee.name, names)}`,
          { related: [relatedTo(callee, `\`${callee.name}\` is declared here`)] })
      }
    }
  }
  function instance(n: Instance, s: Scope): void {
    for (const b of n.bindings) walk(b.value, s)
    const operator = lookUp(n.operator, s)
    if (!operator || n.schedule.text === '') return
    if (operator.kind === 'graph') {
      instanceOfGraph(n, operator)
      return
    }
    if (operator.kind !== 'operator') {
      report('wrong-kind', n.operator, `\`${n.operator.text}\` is ${kindText(operator)}; an instance is of an operator's schedule, as in \`matmul.tiled(...)\`.`,
        { related: [relatedTo(operator, `\`${n.operator.text}\` is declared here`)] })
      return
    }
    const serving = [...new Set([...schedules,
      ...around.schedules].filter(e => e.operator === operator || e.operator === undefined).map(e => e.definition))]
    const found = serving.find(d => d.name === n.schedule.text)
    if (found) use(n.schedule, found)
    else if (!around.incomplete) {
      const names = [...new Set(serving.map(d => d.name))]
      unknownSchedule(n.schedule, operator, `\`${operator.name}\` has no schedule \`${n.schedule.text}\`.`,
        suggestion(n.schedule.text, names) ?? (names.length === 0 ? 'None is declared or imported.' : `It has ${listText(names)}.`))
    }
    if (found || !around.incomplete) {
      namedArguments(n.bindings, operator, name => tuneOf(found, name), found ? new Set(['target']) : new Set(n.bindings.map(b => b.name?.text ?? '')), tunesOf(found))
      bindingsHaveNames(n, operator)
    }
  }
  function tuneOf(schedule: Definition | undefined, name: string): Definition | undefined {
    const tune = schedule?.scope?.names.get(name)
    return tune?.kind === 'tune' ? tune : undefined
  }
  function tunesOf(schedule: Definition | undefined): readonly string[] {
    return [...schedule?.scope?.names.values() ?? []].filter(d => d.kind === 'tune').map(d => d.name)
  }
  /** An instance binds by name, each name once. */
  function bindingsHaveNames(n: Instance, callee: Definition): void {
    const seen = new Set<string>()
    for (const b of n.bindings) {
      if (!b.name) report('unknown-argument', b, `An instance binds names: \`name: ...\` before this value, for what it is of \`${callee.name}\`.`)
      else if (seen.has(b.name.text)) report('duplicate-argument', b.name, `\`${b.name.text}\` is bound twice.`)
      seen.add(b.name?.text ?? '')
    }
  }
  /** The anchor of the graph is scheduled by a schedule of its operator, which only fusion knows: any of that name. */
  function instanceOfGraph(n: Instance, graph: Definition): void {
    const serving = [...schedules, ...around.schedules].map(e => e.definition)
    const found = serving.find(d => d.name === n.schedule.text)
    if (found) use(n.schedule, found)
    else if (!around.incomplete) {
      unknownSchedule(n.schedule, undefined, `There is no schedule \`${n.schedule.text}\`.`,
        suggestion(n.schedule.text, serving.map(d => d.name)) ?? 'A graph is built by a schedule of its operators.')
    }
    namedArguments(n.bindings, graph, name => tuneOf(found, name), new Set(['target']), tunesOf(found))
    bindingsHaveNames(n, graph)
  }
  function unknownSchedule(ref: NameRef, operator: Definition | undefined, message: string, advice: string): void {
    const path = around.schedulePath(ref.text, operator)
    if (path === undefined) report('unknown-name', ref, `${message} ${advice}`)
    else missingImport(ref, message, path)
  }
  function missingImport(ref: NameRef, message: string, path: string): void {
    report('unknown-name', ref, `${message} Add \`import "${path}"\`.`,
      { fix: { title: `Add import "${path}"`, edits: [{ span: { start: 0, end: 0 }, newText: `import "${path}"\n` }] } })
  }
  let suggestions = 50
  function unknownName(ref: NameRef, scope: Scope): void {
    const later = find(ref.text, scope)
    if (later) {
      report('use-before-declaration', ref, `\`${ref.text}\` is used before its declaration.`, { related: [relatedTo(later, `\`${ref.text}\` is declared here`)] })
      return
    }
    if (around.incomplete) return
    const path = around.libraryPath(ref.text)
    if (path !== undefined) {
      missingImport(ref, `\`${ref.text}\` is not visible here.`, path)
      return
    }
    const near = suggestions-- > 0 ? nearest(ref.text, visible(scope)) : undefined
    report('unknown-name', ref, `\`${ref.text}\` is not declared${near === undefined ? '.' : `. Did you mean \`${near}\`?`}`,
      near === undefined ? {} : { fix: { title: `Change to \`${near}\``, edits: [{ span: spanOf(source, ref), newText: near }] } })
  }
  function* visible(scope: Scope): Iterable<string> {
    for (let s: Scope | undefined = scope; s; s = s.outer) yield* s.names.keys()
    yield* around.visibleNames()
  }

  // -------------------------------------------------------------- the file
  if (root.kind === 'File') file(root)
  else walk(root, top)
  for (const { call, callee } of calls) namedArguments(call.args, callee, () => undefined, noNames)
  for (const { ref, scope } of unresolved) unknownName(ref, scope)
  return { resolved: { definitions, definitionOf, usesOf, scopes, exports: top.names, schedules, diagnostics }, use }

  function file(n: File): void {
    scopes.set(n, top)
    const signed: Signed[] = [], instances: Instance[] = []
    for (const item of n.items) if (item.kind !== 'Import') declareTop(item, signed)
    // calls and schedules may stand before what they refer to
    for (const s of signed) signature(s, scopes.get(s) ?? top)
    for (const item of n.items) if (item.kind === 'Instance') instances.push(item); else walk(item, top)
    for (const i of instances) instance(i, top)
  }
  /** The names that the whole file sees. */
  function declareTop(d: Declaration, signed: Signed[]): void {
    switch (d.kind) {
      case 'Let': declarePattern(d.target, 'let', d, top); return
      case 'CustomMapping': declare(d.name, 'mapping', d, top); return
      case 'Instance': declare(d.name, 'instance', d, top); return
      case 'Schedule': return
      case 'Graph': if (!d.operator) declareSigned(d, 'graph', signed); return
      case 'Fn': declareSigned(d, 'function', signed); return
      case 'Device': declareSigned(d, 'device', signed); return
      case 'Operator': declareSigned(d, 'operator', signed)
    }
  }
  function declareSigned(d: Signed, kind: DefinitionKind, signed: Signed[]): void {
    declare(d.name, kind, d, top, inner(top, d))
    signed.push(d)
  }
}

/** What has parameters that other declarations refer to. */
type Signed = Fn | Device | Operator | Graph

const noNames: ReadonlySet<string> = new Set()
/** What a call or an instance may bind by name. */
const bindable: ReadonlySet<DefinitionKind> = new Set(['parameter', 'type-parameter', 'shape-variable'])

function isTensorParameter(d: Definition): boolean {
  return d.kind === 'parameter' && d.node.kind === 'Param' && d.node.type.kind === 'TensorType' && d.node.type.dims.length > 0
}

/** What a definition is, with its article, for messages. */
function kindText(d: Definition): string {
  switch (d.kind) {
    case 'let': return 'a constant'
    case 'function': return 'a function'
    case 'device': return 'a device function'
    case 'mapping': return 'a mapping'
    case 'operator': return 'an operator'
    case 'schedule': return 'a schedule'
    case 'graph': return 'a graph'
    case 'instance': return 'an instance'
    case 'kernel': return 'a kernel'
    case 'parameter': return 'a parameter'
    case 'result': return 'a result'
    case 'type-parameter': return 'a type parameter'
    case 'shape-variable': return 'a shape variable'
    case 'stage': return 'a stage'
    case 'index': return 'an index'
    case 'tune': return 'a tune parameter'
    case 'workspace': return 'a workspace'
    case 'variable': return 'a variable'
    case 'tensor': return 'a tensor'
    case 'family': return 'a family of operators'
  }
}

function relatedTo(d: Definition, message: string): Related {
  return { uri: d.uri, span: spanOf(d.parsed, d.nameNode), message }
}

function suggestion(name: string, candidates: readonly string[]): string | undefined {
  const near = nearest(name, candidates)
  return near === undefined ? undefined : `Did you mean \`${near}\`?`
}

function parametersText(callee: string, names: readonly string[]): string {
  return names.length === 0 ? `\`${callee}\` has none.` : `It has ${listText(names)}.`
}
