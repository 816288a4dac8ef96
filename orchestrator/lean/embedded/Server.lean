/-
The server that runs inside the embedded Lean: JSON requests on standard input, one a line; JSON replies on standard
output. The messages are described in `protocol.py` in the folder above.

Two things shape the code. The embedded Lean's code generator reaches only what the library exports under its own name:
no `for`, no `List.reverse`, no specialised helpers; recursion of our own works, and so do library functions passed as
values to the `ap…` combinators. And the library is imported at the level `exported`; by importing it ourselves as
*not* a module (`importLibrary`), declarations of users behave as in an ordinary file.

It is one file of more than 300 lines because it is compiled as one unit, once, at installation. `Declarations.lean`, which
native sessions use, too, is put in where its name stands.
-/
import Lean
open Lean Elab

namespace Server

-- Declarations.lean stands here

/-! ## More combinators -/

@[noinline] def ap2 (f : α → β → γ) (a : α) (b : β) : γ := f a b
@[noinline] def ap3 (f : α → β → γ → δ) (a : α) (b : β) (c : γ) : δ := f a b c
mutual
partial def persistentNode (n : PersistentArrayNode α) (acc : List α) : List α :=
  match n with
  | .node cs => persistentNodes cs cs.size acc
  | .leaf vs => arrayToList vs vs.size acc
partial def persistentNodes (cs : Array (PersistentArrayNode α)) (i : Nat) (acc : List α) : List α :=
  if i = 0 then acc else match cs[i-1]? with | some c => persistentNodes cs (i-1) (persistentNode c acc) | none => acc
end
def persistentToList (p : PersistentArray α) : List α := persistentNode p.root (arrayToList p.tail p.tail.size [])

/-! ## JSON -/

def rawPositionJ (m : FileMap) (p : Option String.Pos.Raw) : Json :=
  match p with | some q => positionJ (m.toPosition q) | none => .null
def messagesOf (m : MessageLog) : List Message := persistentToList m.unreported

/-! ## What the server keeps -/

/-- A proof state: everything a tactic needs, the names the proof must not use (its own declaration's), and the environment
that the first tactic found: what is declared since then belongs to the proof. -/
structure ProofState where
  coreCtx   : Core.Context
  coreState : Core.State
  metaCtx   : Meta.Context
  metaState : Meta.State
  termCtx   : Term.Context
  termState : Term.State
  goals     : List MVarId
  root      : List MVarId
  forbidden : List Name
  first     : Environment

structure State where
  envs   : Array (Option Command.State)
  proofs : Array (Option ProofState)
  /-- imported libraries, by their sorted import lists -/
  bases  : List (String × Environment)

abbrev StateRef := IO.Ref State
abbrev NewToken := Unit → IO IO.CancelToken

def pushEnv (s : StateRef) (c : Command.State) : IO Nat := do
  let st ← s.get
  s.set { st with envs := st.envs.push (some c) }
  return st.envs.size
def pushProof (s : StateRef) (p : ProofState) : IO Nat := do
  let st ← s.get
  s.set { st with proofs := st.proofs.push (some p) }
  return st.proofs.size

/-! ## Importing -/

def baseOptions : Options := KVMap.setBool {} `Elab.async false

/-- Import at the level `exported`, the only one the package has, but as an ordinary file and not as a `module`. -/
unsafe def importLibrary (imports : Array Import) : IO Environment := do
  let r ← IO.mkRef (default : ImportState)
  importModulesCore imports .exported {} true r
  finalizeImport (← r.get) imports baseOptions 1024 false true .exported false

/-! The fields of `Lean.Environment` and of two structures in it, whose constructors are private. The embedded Lean is one
fixed build, so these layouts hold; the tests would show at once if they did not. -/
structure VisibilityFields (α : Type) where
  «private» : α
  «public» : α
structure RecentConstants where
  size : Nat
  revList : NonScalar
  map : NonScalar
  normalizedTrie : NonScalar
structure EnvironmentFields where
  base : NonScalar
  serverBaseExts : NonScalar
  checked : NonScalar
  asyncConstsMap : VisibilityFields RecentConstants
  asyncCtx? : Option NonScalar
  importRealizationCtx? : Option NonScalar
  localRealizationCtxMap : NonScalar
  allRealizations : NonScalar
  isExporting : Bool

/-- The same environment for another file. The elaborator's index of recent constants, by names without the prefix of
private ones, would take private declarations of one name in two files for duplicates; it starts empty. -/
unsafe def forAnotherFile (env : Environment) : Environment :=
  let fields : EnvironmentFields := unsafeCast env
  let empty : EnvironmentFields := unsafeCast (Environment.ofKernelEnv env.toKernelEnv)
  let now := fields.asyncConstsMap
  let renewed : VisibilityFields RecentConstants :=
    { «private» := { now.private with normalizedTrie := empty.asyncConstsMap.private.normalizedTrie }
      «public» := { now.public with normalizedTrie := empty.asyncConstsMap.public.normalizedTrie } }
  unsafeCast { fields with asyncConstsMap := renewed }

def makeInputContext (src : String) : Parser.InputContext :=
  { inputString := src, fileName := "<input>", fileMap := src.toFileMap, endPos := src.rawEndPos, endPos_valid := by simp }

partial def importKey (xs : List Import) : String :=
  match xs with | [] => "" | x :: xs => x.module.toString ++ " " ++ importKey xs

def freshCommandState (env : Environment) : Command.State :=
  let cs := Command.mkState env {} baseOptions
  { cs with infoState := { enabled := true }, maxRecDepth := 1000 }

unsafe def baseFor (s : StateRef) (imports : Array Import) : IO Command.State := do
  let key := importKey (arrayToList imports imports.size [])
  let st ← s.get
  match st.bases.lookup key with
  | some env => return freshCommandState env
  | none =>
    let env ← importLibrary imports
    s.modify fun st => { st with bases := (key, env) :: st.bases }
    return freshCommandState env

/-! ## Elaborating commands -/

/-- `#print axioms`, alone or inside another command. What imported theorems rest on cannot be seen here, so that what it
prints, and what a guard around it expects, decides nothing. -/
partial def printsAxioms (stx : Syntax) : Bool :=
  stx.isOfKind ``Parser.Command.printAxioms ||
    ((stx.isOfKind ``Parser.Command.in || stx.isOfKind ``guardMsgsCmd) && printsAxioms stx[stx.getNumArgs - 1])

/-- One command on `cs`, with its messages and info trees. -/
def elabOne (ictx : Parser.InputContext) (start : String.Pos.Raw) (stx : Syntax) (cs : Command.State) (tk : IO.CancelToken) :
    IO (Command.State × List Message × List InfoTree) := do
  let cs := { cs with messages := {}, infoState := { enabled := true } }
  let ctx : Command.Context := { fileName := ictx.fileName, fileMap := ictx.fileMap, cmdPos := start, snap? := none, cancelTk? := some tk }
  let ref ← IO.mkRef cs
  let r ← EIO.toBaseIO ((Command.elabCommandTopLevel stx ctx) ref)
  match r with
  | .ok _ => pure ()
  | .error e => throw <| IO.userError s!"command failed: {← e.toMessageData.toString}"
  let cs' ← ref.get
  let messages := messagesOf cs'.messages
  let messages := if printsAxioms stx then mapList (fun m => { m with severity := .information }) messages else messages
  return (cs', messages, persistentToList cs'.infoState.trees)

def clean (cs : Command.State) : Command.State :=
  { cs with messages := {}, infoState := { enabled := true }, traceState := {}, snapshotTasks := #[] }

/-- What the shared text asks of this Lean: see `Compare.lean`. -/
abbrev Token := IO.CancelToken
def isSet (tk : Token) : IO Bool := tk.isSet
def keepsExamples : Bool := true
def elabForEffect (ictx : Parser.InputContext) (ps : Parser.ModuleParserState) (stx : Syntax) (cs : Command.State) (tk : Token) :
    IO (Command.State × List Message) := do
  let (cs, said, _) ← elabOne ictx ps.pos stx cs tk
  return (cs, said)

-- Compare.lean stands here

/-! ## Running term and tactic code -/

def runTermElab (x : TermElabM α) (c : Term.Context) (s : Term.State) : MetaM (α × Term.State) := do
  let r ← IO.mkRef s
  let a ← x c r
  return (a, ← r.get)

def runTerm (p : ProofState) (maxHeartbeats : Nat) (tk : IO.CancelToken) (x : TermElabM α) : IO (α × ProofState) := do
  let hb ← IO.getNumHeartbeats
  let cctx := { p.coreCtx with initHeartbeats := hb, maxHeartbeats := maxHeartbeats * 1000, cancelTk? := some tk }
  let (((a, ts), ms), cs) ← ((runTermElab x p.termCtx p.termState).run p.metaCtx p.metaState).toIO cctx p.coreState
  return (a, { p with coreState := cs, metaState := ms, termState := ts })

def goalString (g : MVarId) : TermElabM String := do
  let f ← Meta.ppGoal g
  return f.pretty
def goalStrings (gs : List MVarId) : TermElabM (List String) := do
  let found ← mapEach goalString gs
  return arrayToList found found.size []

/-! ## Sorries -/

/-- The text of a piece of syntax, if that is where it was written: what a macro, a notation or a default tactic makes has
the position of its call. -/
def writtenText (c : ContextInfo) (stx : Syntax) : Option String :=
  match stx.getHeadInfo, stx.getPos?, stx.getTailPos? with
  | .original .., some a, some b => some (String.Pos.Raw.extract c.fileMap.source a b)
  | _, _, _ => none
def headIdent (stx : Syntax) : Name :=
  let stx := if stx.isOfKind ``Parser.Term.app then stx[0] else stx
  let stx := if stx.isOfKind ``Parser.Term.explicit then stx[1] else stx
  if stx.isIdent then stx.getId else .anonymous
/-- The kind of sorry that a piece of syntax is, if it is one. -/
def sorryKind (c : ContextInfo) (i : Info) : Option String :=
  let kind := fun (stx : Syntax) (word kind : String) =>
    match writtenText c stx with | some t => some (if t == word then kind else "macro") | none => some "macro"
  match i with
  | .ofTacticInfo ti =>
    if ti.stx.isOfKind ``Parser.Tactic.tacticSorry then kind ti.stx "sorry" "tactic"
    else if ti.stx.isOfKind ``Parser.Tactic.tacticAdmit then kind ti.stx "admit" "admit"
    else if ti.stx.isOfKind ``Parser.Tactic.tacticStop_ then some (if (writtenText c ti.stx).isSome then "stop" else "macro")
    else none
  | .ofTermInfo ti =>
    if ti.stx.isOfKind ``Parser.Term.sorry then kind ti.stx "sorry" "term"
    else if headIdent ti.stx == `sorryAx || headIdent ti.stx == `_root_.sorryAx then
      some (if (writtenText c ti.stx).isSome then "sorryAx" else "macro")
    else none
  | _ => none

structure SorrySite where
  ctx    : ContextInfo
  info   : Info
  syntaxKind : String

def foldTree (acc : List SorrySite) (t : InfoTree) : List SorrySite :=
  ap3 (@InfoTree.foldInfo (List SorrySite))
    (fun c i acc => match sorryKind c i with | some k => { ctx := c, info := i, syntaxKind := k } :: acc | none => acc) acc t
partial def foldTrees (ts : List InfoTree) (acc : List SorrySite) : List SorrySite :=
  match ts with | [] => acc | t :: ts => foldTrees ts (foldTree acc t)

def startOf (p : SorrySite) : Nat := match p.info.stx.getPos? with | some q => q.byteIdx | none => 0
def stopOf (p : SorrySite) : Nat := match p.info.stx.getTailPos? with | some q => q.byteIdx | none => 0
/-- `sorryAx _ true` is found as an application and as its head: the widest at one start wins. What a written sorry is
made of has its position, too. -/
def shadowed (ps : List SorrySite) (p : SorrySite) : Bool :=
  anyList (fun q => if p.syntaxKind == "macro" then q.syntaxKind != "macro" && startOf q ≤ startOf p && stopOf p ≤ stopOf q
    else q.syntaxKind != "macro" && startOf q == startOf p && stopOf q > stopOf p) ps

def makeState (c : ContextInfo) (env : Environment) (mctx : MetavarContext) (levels : List Name) : ProofState :=
  let o := KVMap.setBool c.options `Elab.async false
  { coreCtx := { fileName := "<tactic>", fileMap := c.fileMap, options := o, currNamespace := c.currNamespace, openDecls := c.openDecls,
                 maxRecDepth := maxRecDepth.get o }
    coreState := { env := env, ngen := c.ngen }
    -- elaborators run with these two approximations
    metaCtx := { keyedConfig := ({ foApprox := true, ctxApprox := true } : Meta.Config).toConfigWithKey }
    metaState := { mctx := mctx }
    termCtx := { declName? := c.parentDecl? }
    termState := { levelNames := levels }
    goals := [], root := [], forbidden := [], first := env }

/-- The instances among hypotheses: the info of a term has its context, but not the instances that its elaborator saw. -/
partial def instancesAmong (decls : List (Option LocalDecl)) (acc : LocalInstances) : MetaM LocalInstances := do
  match decls with
  | [] => return acc
  | none :: ds => instancesAmong ds acc
  | some d :: ds =>
    if d.isImplementationDetail then instancesAmong ds acc else
    match ← Meta.isClass? (← instantiateMVars d.type) with
    | some c => instancesAmong ds (acc.push { className := c, fvar := .fvar d.fvarId })
    | none => instancesAmong ds acc

def stateAt (p : SorrySite) (env : Environment) (levels : List Name) (tk : IO.CancelToken) : IO (Option ProofState) := do
  match p.info with
  | .ofTacticInfo ti =>
    let gs := match p.syntaxKind, ti.goalsBefore with | "stop", gs => gs | _, g :: _ => [g] | _, [] => []
    if isNil gs then return none
    return some { makeState p.ctx env ti.mctxBefore levels with goals := gs, root := gs }
  | .ofTermInfo ti =>
    let s := makeState p.ctx env p.ctx.mctx levels
    let s := { s with metaCtx := { s.metaCtx with lctx := ti.lctx } }
    let type := fun () => match ti.expectedType? with | some t => pure t | none => (Meta.inferType ti.expr : TermElabM Expr)
    try
      let (m, s) ← runTerm s 200000 tk (do
        let instances ← instancesAmong (persistentToList ti.lctx.decls) #[]
        Meta.mkFreshExprMVarAt ti.lctx instances (← instantiateMVars (← type ())) .syntheticOpaque)
      return some { s with goals := [m.mvarId!], root := [m.mvarId!], metaCtx := { s.metaCtx with lctx := {} } }
    catch _ => return none
  | _ => return none

partial def missingConstants (env : Environment) (ns : List Name) : Bool := anyList (fun n => !env.contains n) ns
partial def lctxConstants (decls : List (Option LocalDecl)) : MetaM (List Name) := do
  match decls with
  | [] => return []
  | none :: ds => lctxConstants ds
  | some d :: ds =>
    let t ← instantiateMVars d.type
    let v := match d.value? true with | some v => constantsOf v | none => []
    return append (constantsOf t) (append v (← lctxConstants ds))
/-- Does the goal mention constants that `env` lacks, such as the `match_1` its own command made? -/
partial def goalsNeedMore (env : Environment) (gs : List MVarId) : TermElabM Bool := do
  match gs with
  | [] => return false
  | g :: gs =>
    let d ← g.getDecl
    let t ← instantiateMVars d.type
    let l ← lctxConstants (persistentToList d.lctx.decls)
    if missingConstants env (append (constantsOf t) l) then return true else goalsNeedMore env gs

/-! ## Declarations and their axioms -/

def declarationJ (start env : Environment) (p : Name × ConstantInfo) : Json :=
  let axioms := collectAxioms env [p.1] {} []
  Json.mkObj [("name", userNameJ p.1), ("kind", .str (kindOf p.2)), ("axioms", listJ (axiomJ env) axioms),
    ("hasSorry", .bool (axioms.contains ``sorryAx)), ("ownSorry", .bool (axioms.contains ``sorryAx && ownSorry (fun n => start.contains n) env [p.1] {}))]

/-! ## Goals as terms: what a goal says however it is printed -/

partial def numbered (ds : List (Option LocalDecl)) (n : Nat) : List (FVarId × Nat) :=
  match ds with
  | [] => []
  | none :: ds => numbered ds n
  | some d :: ds => (d.fvarId, n) :: numbered ds (n + 1)

partial def writeHypotheses (w : Writer) (ds : List (Option LocalDecl)) (acc : Array Json) : MetaM (Writer × Array Json) := do
  match ds with
  | [] => return (w, acc)
  | none :: ds => writeHypotheses w ds acc
  | some d :: ds =>
    let (w, i) := write w (← instantiateMVars d.type)
    let (w, value) ← match d.value? true with
      | some v => let (w, j) := write w (← instantiateMVars v); pure (w, natJ j)
      | none => pure (w, Json.null)
    let h := Json.mkObj [("name", nameJ d.userName), ("type", natJ i), ("value", value), ("hidden", .bool d.isImplementationDetail)]
    writeHypotheses w ds (acc.push h)

def goalTermsJ (g : MVarId) : TermElabM Json := do
  let d ← g.getDecl
  let ds := persistentToList d.lctx.decls
  let w : Writer := { seen := emptyBuckets buckets #[], lines := #[], env := ← getEnv, free? := some (numbered ds 0) }
  let (w, hs) ← writeHypotheses w ds #[]
  let (w, t) := write w (← instantiateMVars d.type)
  return Json.mkObj [("hypotheses", .arr hs), ("target", natJ t), ("lines", listJ stringJ (arrayToList w.lines w.lines.size []))]

/-! ## Sorries of a command -/

def openDeclString (d : OpenDecl) : String :=
  match d with
  | .simple ns _ => ns.toString
  | .explicit id decl => decl.toString ++ " as " ++ id.toString

structure CommandSpan where
  start : Option String.Pos.Raw
  stop  : Option String.Pos.Raw
  before : Nat

/-- The proof state of a sorry. It sees the environment from before its command, so that a theorem cannot prove
itself; where the goal mentions constants that the command made, it sees all of them, and those that rest on a sorry are
forbidden. -/
def stateOf (p : SorrySite) (before after : Command.State) (unproved : List Name) (tk : IO.CancelToken) : IO (Option (ProofState × List String × Bool)) := do
  let levels := (headScope before).levelNames
  match ← stateAt p before.env levels tk with
  | none => return none
  | some s =>
    try
      let (more, _) ← runTerm { s with coreState := { s.coreState with env := after.env } } 200000 tk (goalsNeedMore before.env s.goals)
      let s := if more then { s with coreState := { s.coreState with env := after.env }, forbidden := unproved, first := after.env } else s
      let (texts, s) ← runTerm s 200000 tk (goalStrings s.goals)
      let prop ← match s.goals with
        | g :: _ => do
          let (d, _) ← runTerm s 200000 tk g.getDecl
          let (prop, _) ← runTerm { s with metaCtx := { s.metaCtx with lctx := d.lctx, localInstances := d.localInstances } } 200000 tk (do
            Meta.isProp (← instantiateMVars d.type))
          pure prop
        | [] => pure false
      return some (s, texts, prop)
    catch _ => return none

partial def joinGoals (xs : List String) : String :=
  match xs with | [] => "" | [x] => x | x :: xs => x ++ "\n\n" ++ joinGoals xs

/-- Goals that cannot be written have no terms. -/
def termsOf (ps : ProofState) (tk : IO.CancelToken) : IO (Array Json) := do
  try
    let (terms, _) ← runTerm ps 200000 tk (mapEach goalTermsJ ps.goals)
    return terms
  catch _ => return #[]

def sorryJ (s : StateRef) (before after : Command.State) (unproved : List Name) (cp : CommandSpan) (terms : Bool) (tk : IO.CancelToken) (p : SorrySite) :
    IO Json := do
  match ← stateOf p before after unproved tk with
  | none => return Json.null
  | some (ps, texts, prop) =>
    let written ← if terms then termsOf ps tk else pure #[]
    let id ← pushProof s ps
    let m := p.ctx.fileMap
    let (start, stop) := match p.info.stx.getPos?, p.info.stx.getTailPos? with
      | some a, some b => (some a, some b)
      | _, _ => (cp.start, cp.stop)
    return Json.mkObj [("pos", rawPositionJ m start), ("endPos", rawPositionJ m stop),
      ("goal", .str (joinGoals texts)), ("proofState", natJ id), ("syntax", .str p.syntaxKind), ("isProp", .bool prop),
      ("goals", natJ (listLength texts 0)),
      ("declaration", match p.ctx.parentDecl? with | some n => userNameJ n | none => .str ""),
      ("namespace", .str (if p.ctx.currNamespace.isAnonymous then "" else p.ctx.currNamespace.toString)),
      ("opens", listJ (fun d => .str (openDeclString d)) p.ctx.openDecls),
      ("commandPos", rawPositionJ m cp.start), ("commandEndPos", rawPositionJ m cp.stop), ("before", natJ cp.before),
      ("terms", .arr written)]

structure Outcome where
  state    : Command.State
  messages : List Message
  sorries  : List Json
  /-- syntax kinds of the commands, the last one first -/
  kinds    : List String
  /-- whether sorries are to give their goals as terms, too -/
  terms    : Bool := false
  /-- how many examples there were, where they are to be kept -/
  examples : Option Nat := none

/-- One command after another. `floor` is the number of scopes that the text must not close. -/
partial def runCommands (s : StateRef) (ictx : Parser.InputContext) (ps : Parser.ModuleParserState) (floor : Nat) (tk : IO.CancelToken)
    (out : Outcome) : IO Outcome := do
  let cs := out.state
  let (stx, ps', parseMessages) := parseOne ictx ps cs
  let (cs', messages, trees) ← elabOne ictx ps.pos (match out.examples with | some n => namedExample n stx | none => stx) cs tk
  let sites := reverse (foldTrees trees [])
  let sites := filterList (fun p => !shadowed sites p) sites
  let mut sorries := out.sorries
  if !isNil sites then
    let made := mapList (fun p => p.1) (filterList (fun p => !isAuxiliary p.1) (newConstants cs.env cs'.env))
    -- what a macro tried in vain shows in its trees, too
    let hasSorry := ownSorry (fun n => cs.env.contains n) cs'.env made {}
    let sites := filterList (fun p => hasSorry || p.syntaxKind != "macro") sites
    let before ← pushEnv s (clean cs)
    let unproved := filterList (fun n => (collectAxioms cs'.env [n] {} []).contains ``sorryAx) made
    let js ← mapEach (sorryJ s cs cs' unproved { start := stx.getPos?, stop := stx.getTailPos?, before := before } out.terms tk) sites
    sorries := append sorries (arrayToList js js.size [])
  let out := { out with state := cs', messages := append out.messages (append parseMessages messages), sorries := sorries }
  let examples := match out.examples with | some n => some (if isExample stx then n + 1 else n) | none => none
  let out := { out with kinds := stx.getKind.toString :: out.kinds, examples := examples }
  if Parser.isTerminalCommand stx then return out
  if listLength cs'.scopes 0 < floor then
    let m : Message := { fileName := ictx.fileName, pos := ictx.fileMap.toPosition ps.pos, severity := .error, data := m!"unexpected `end`: no section or namespace is open here" }
    return { out with messages := append out.messages [m] }
  runCommands s ictx ps' floor tk out

/-- Elaborate `src` for its effect on the state alone. -/
def runQuiet (src : String) (cs : Command.State) (tk : IO.CancelToken) : IO Command.State := do
  let ictx := makeInputContext src
  let (stx, _, _) := parseOne ictx {} cs
  let (cs, _, _) ← elabOne ictx 0 stx cs tk
  return cs

partial def runAll (srcs : List String) (cs : Command.State) (tk : IO.CancelToken) : IO Command.State := do
  match srcs with | [] => return cs | src :: srcs => runAll srcs (← runQuiet src cs tk) tk

partial def closeScopes (cs : Command.State) (fuel : Nat) (tk : IO.CancelToken) : IO Command.State := do
  match cs.scopes with
  | sc :: _ :: _ =>
    if fuel == 0 then return cs
    let name := if sc.header == "" then "" else (Name.str .anonymous sc.header).toString
    closeScopes (← runQuiet s!"end {name}" cs tk) (fuel - 1) tk
  | _ => return cs

/-! ## Tactics -/

partial def collectLevels (e : Expr) : List Name := (collectLevelParams {} e).params.toList

/-- Close the proof of `root` over its hypotheses and let the kernel look at it. -/
def closeProof (p : ProofState) (root : MVarId) (maxHeartbeats : Nat) (tk : IO.CancelToken) : IO (String × List Name) := do
  let act (d : MetavarDecl) : TermElabM (String × List Name) := do
    let v ← instantiateMVars (mkMVar root)
    let t ← instantiateMVars d.type
    if v.hasExprMVar then return ("Incomplete: contains metavariable(s)", [])
    if v.hasSorry || t.hasSorry then return ("Incomplete: contains sorry", [])
    if anyList (fun n => p.forbidden.contains n) (constantsOf v) then return ("Error: the proof uses the declaration it is part of", [])
    let v ← Meta.mkLambdaFVars d.lctx.getFVars v (usedOnly := true) (binderInfoForMVars := .default)
    let v ← instantiateMVars v
    if v.hasFVar || v.hasExprMVar then return ("Incomplete: contains metavariable(s)", [])
    if v.hasLevelMVar then return ("Incomplete: contains universe metavariable(s)", [])
    let t ← instantiateMVars (← Meta.inferType v)
    let levels := (collectLevelParams (collectLevelParams {} t) v).params.toList
    let name := `_server_check
    let decl := if ← Meta.isProp t then Declaration.thmDecl { name := name, levelParams := levels, type := t, value := v }
      else Declaration.defnDecl { name := name, levelParams := levels, type := t, value := v, hints := .abbrev, safety := .safe }
    addDecl decl
    -- an auxiliary lemma of the proof can hide a sorry
    if ownSorry (fun n => p.first.contains n) (← getEnv) [name] {} then return ("Incomplete: contains sorry", [])
    return ("Completed", collectAxioms (← getEnv) [name] {} [])
  try
    let (d, _) ← runTerm { p with metaCtx := {} } maxHeartbeats tk root.getDecl
    let (r, _) ← runTerm { p with metaCtx := { lctx := d.lctx, localInstances := d.localInstances } } maxHeartbeats tk (act d)
    return r
  catch e => return (s!"Error: {e}", [])

partial def closeProofs (p : ProofState) (roots : List MVarId) (maxHeartbeats : Nat) (tk : IO.CancelToken) (axioms : List Name) :
    IO (String × List Name) := do
  match roots with
  | [] => return ("Completed", axioms)
  | r :: rs =>
    let (status, found) ← closeProof p r maxHeartbeats tk
    if status == "Completed" then closeProofs p rs maxHeartbeats tk (append found axioms) else return (status, found)

structure TacticResult where
  json : List (String × Json)
  closed : Bool
  state? : Option ProofState

def parseTactic (env : Environment) (tac : String) : Except String Syntax :=
  Parser.runParserCategory env `tactic ("(\n" ++ tac ++ "\n)") "<tactic>"

def runTactic (p : ProofState) (tac : String) (maxHeartbeats : Nat) (tk : IO.CancelToken) : IO TacticResult := do
  let t0 ← IO.monoMsNow
  let h0 ← IO.getNumHeartbeats
  let finish := fun (fields : List (String × Json)) => do
    let t1 ← IO.monoMsNow
    let h1 ← IO.getNumHeartbeats
    return append fields [("tactic", .str tac), ("milliseconds", natJ (t1 - t0)), ("heartbeats", natJ ((h1 - h0) / 1000))]
  match parseTactic p.coreState.env tac with
  | .error e => return ⟨← finish [("message", .str ("parse error: " ++ e))], false, none⟩
  | .ok stx =>
    let act : TermElabM (List MVarId × List String) := do
      let r ← IO.mkRef ({ goals := p.goals } : Tactic.State)
      let c : Tactic.Context := { elaborator := .anonymous, recover := false }
      Tactic.evalTactic stx c r
      Term.synthesizeSyntheticMVarsNoPostponing
      Tactic.pruneSolvedGoals c r
      let ts ← r.get
      return (ts.goals, ← goalStrings ts.goals)
    let r ← EIO.toBaseIO (runTerm { p with coreState := { p.coreState with messages := {} } } maxHeartbeats tk act)
    match r with
    | .error e => return ⟨← finish [("message", .str e.toString)], false, none⟩
    | .ok ((gs, texts), p') =>
      let p' := { p' with goals := gs }
      let messages ← mapEach messageJ (messagesOf p'.coreState.messages)
      if isNil gs then
        let (status, axioms) ← closeProofs p' p'.root maxHeartbeats tk []
        return ⟨← finish [("goals", .arr #[]), ("messages", .arr messages), ("proofStatus", .str status), ("axioms", listJ (axiomJ p'.coreState.env) axioms)],
          status == "Completed", some p'⟩
      else
        return ⟨← finish [("goals", listJ stringJ texts), ("messages", .arr messages), ("proofStatus", .str "Incomplete: open goals remain")], false, some p'⟩

def tacticJ (s : StateRef) (r : TacticResult) : IO Json := do
  match r.state? with
  | some p => let id ← pushProof s p; return Json.mkObj (("proofState", natJ id) :: r.json)
  | none => return Json.mkObj r.json

/-- `latest` is the moment (milliseconds, 0 for none) after which no further tactic is started. -/
partial def runTactics (s : StateRef) (p : ProofState) (tacs : List String) (maxHeartbeats : Nat) (stop : Bool) (latest : Nat)
    (tk : NewToken) (acc : Array Json) : IO (Array Json) := do
  match tacs with
  | [] => return acc
  | t :: ts =>
    if latest != 0 && latest ≤ (← IO.monoMsNow) then return acc
    let r ← runTactic p t maxHeartbeats (← tk ())
    let j ← tacticJ s r
    if stop && r.closed then return acc.push j
    runTactics s p ts maxHeartbeats stop latest tk (acc.push j)

/-! ## Kernel -/

def addConstant (env : Environment) (d : Declaration) (tk : Token) : IO (Except String Environment) := do
  match Environment.addDeclCore env 0 d (some tk) true with
  | .ok env => return .ok env
  | .error e => return .error (← (e.toMessageData {}).toString)

/-! ## Requests -/

def envOf (s : StateRef) (n : Nat) : IO (Option Command.State) := do
  let st ← s.get
  return match st.envs[n]? with | some (some cs) => some cs | _ => none

def replyTo (s : StateRef) (start : Environment) (out : Outcome) (final : Command.State) (t0 : Nat) (tk : IO.CancelToken) : IO Json := do
  let messages ← mapEach messageJ out.messages
  let made := filterList (fun p => !isAuxiliary p.1) (newConstants start final.env)
  let id ← pushEnv s (clean final)
  let t1 ← IO.monoMsNow
  return Json.mkObj [("env", natJ id), ("messages", .arr messages), ("sorries", listJ id' (filterList (fun j => !j.isNull) out.sorries)),
    ("declarations", listJ (declarationJ start final.env) made), ("commands", listJ stringJ (reverse out.kinds)), ("interrupted", .bool (← tk.isSet)), ("milliseconds", natJ (t1 - t0))]
where id' (j : Json) : Json := j

unsafe def runCmd (s : StateRef) (src : String) (j : Json) (tk : IO.CancelToken) : IO Json := do
  let t0 ← IO.monoMsNow
  let ictx := makeInputContext src
  match getNat? j "env" with
  | some n =>
    match ← envOf s n with
    | none => return refusal "Unknown environment."
    | some cs =>
      let out ← runCommands s ictx {} 0 tk { state := cs, messages := [], sorries := [], kinds := [] }
      replyTo s cs.env out out.state t0 tk
  | none =>
    let (header, ps, msgs) ← Parser.parseHeader ictx
    if msgs.hasErrors then
      return Json.mkObj [("messages", .arr (← mapEach messageJ (messagesOf msgs)))]
    let cs ← baseFor s (headerToImports header)
    let out ← runCommands s ictx ps 0 tk { state := cs, messages := [], sorries := [], kinds := [] }
    replyTo s cs.env out out.state t0 tk

/-- The state in which a file's body is elaborated: its header is skipped, its options hold, and one more section is open. -/
unsafe def fileState (cs : Command.State) (j : Json) (tk : IO.CancelToken) : IO Command.State := do
  let module := match getString? j "module" with | some m => m.toName | none => `Main
  let cs := { freshCommandState ((forAnotherFile cs.env).setMainModule module) with nextMacroScope := cs.nextMacroScope, ngen := cs.ngen }
  let cs ← runQuiet (if getBool j "noncomputable" then "noncomputable section" else "section") cs tk
  runAll (strings (getList j "settings")) cs tk

/-- A file on an environment that holds its imports: its header is skipped, and what it opens, declares as local or
leaves unclosed ends with it. -/
unsafe def runFile (s : StateRef) (src : String) (j : Json) (tk : IO.CancelToken) : IO Json := do
  let t0 ← IO.monoMsNow
  let ictx := makeInputContext src
  match ← envOf s (getNat j "env" 1000000000) with
  | none => return refusal "Unknown environment."
  | some cs =>
    let (_, ps, msgs) ← Parser.parseHeader ictx
    let cs' ← fileState cs j tk
    let examples := if getBool j "examples" then some (firstExample cs'.env 0) else none
    let first : Outcome := { state := cs', messages := messagesOf msgs, sorries := [], kinds := [], terms := true, examples := examples }
    let out ← runCommands s ictx ps 2 tk first
    let final ← closeScopes out.state 1000 tk
    replyTo s cs.env out final t0 tk

def describe (s : StateRef) (n : Nat) (j : Json) : IO Json := do
  match ← envOf s n, ← envOf s (getNat j "base" 1000000000) with
  | some cs, some base =>
    let made := newConstants base.env cs.env
    return Json.mkObj [("declarations", listJ (describeOne cs.env) made)]
  | _, _ => return refusal "Unknown environment."

unsafe def compare (s : StateRef) (original patched : String) (j : Json) (tk : IO.CancelToken) : IO Json := do
  match ← envOf s (getNat j "env" 1000000000) with
  | none => return refusal "Unknown environment."
  | some cs =>
    let o := makeInputContext original
    let p := makeInputContext patched
    let (header, os, _) ← Parser.parseHeader o
    let (header', ps, messages) ← Parser.parseHeader p
    let cs ← fileState cs j tk
    let header := if sameTree header header' then [] else [pairJ o p cs (some header) (some header') []]
    let out ← pairCommands o p os ps 2 tk { state := cs, messages := messagesOf messages, pairs := header, examples := firstExample cs.env 0 }
    let messages ← mapEach messageJ out.messages
    let said ← mapEach messageJ out.said
    let id ← pushEnv s (clean (← closeScopes out.state 1000 tk))
    return Json.mkObj [("env", natJ id), ("pairs", listJ id' (reverse out.pairs)), ("messages", .arr messages), ("original", .arr said),
      ("interrupted", .bool (← tk.isSet))]
where id' (j : Json) : Json := j

def seesLibrary : Bool := false
def judgeContext (tk : Token) : Core.Context :=
  { fileName := "<judge>", fileMap := default, options := baseOptions, maxHeartbeats := 0, maxRecDepth := 10000, cancelTk? := some tk }
def sorryPlace (e : Expr) : Option Position :=
  match Meta.isLabeledSorry? e with | some { module? := some l } => some l.range.pos | _ => none

-- Judge.lean stands here

def judge (s : StateRef) (lines : List Json) (j : Json) (tk : IO.CancelToken) : IO Json := do
  match ← envOf s (getNat j "env" 1000000000) with
  | none => return refusal "Unknown environment."
  | some cs =>
    let (env, _, reply) ← judgeExport cs.env nothingKnown lines tk
    let id ← pushEnv s { cs with env := env }
    return Json.mkObj (("env", natJ id) :: reply)

def originOf (e : Meta.SimpEntry) : Name :=
  match e with | .thm t => t.origin.key | .toUnfold n => n | .toUnfoldThms n _ => n
partial def simpNames (es : List (ScopedEnvExtension.Entry Meta.SimpEntry)) (acc : NameSet) : NameSet :=
  match es with | [] => acc | .global e :: es => simpNames es (acc.insert (originOf e)) | .scoped _ e :: es => simpNames es (acc.insert (originOf e))
/-- What `simp` uses of its own accord, read from what the file would write; the embedded Lean's own look-up is out of reach. -/
unsafe def simpSet (es : List (Name × Array EnvExtensionEntry)) : NameSet :=
  match es.lookup `Lean.Meta.simpExtension with
  | some xs => simpNames (unsafeCast (arrayToList xs xs.size [])) {}
  | none => {}

/-- What a declaration's attributes do to others, by the attributes' names; `implemented_by` and `csimp`, which cannot be
asked for here, show in the number of entries. -/
def attributesOf (env : Environment) (simp : NameSet) (n : Name) : List String :=
  let given := [(isProtected env n, "protected"), (Linter.isDeprecated env n, "deprecated"), (isExtern env n, "extern"),
    (Meta.isInstanceCore env n, "instance"), (isClass env n, "class"), ((getExportNameFor? env n).isSome, "export"),
    ((getInitFnNameFor? env n).isSome, "init"), (simp.contains n, "simp")]
  let status := match getReducibilityStatusCore env n with | .reducible => ["reducible"] | .irreducible => ["irreducible"] | _ => []
  append (mapList (fun p => p.2) (filterList (fun p => p.1) given)) status

def attributesJ (env : Environment) (simp : NameSet) (p : Name × ConstantInfo) : List Json :=
  match attributesOf env simp p.1 with
  | [] => []
  | found => [Json.mkObj [("name", nameJ p.1), ("attributes", listJ stringJ found)]]
partial def flatMapList (f : α → List β) (xs : List α) : List β := match xs with | [] => [] | x :: xs => append (f x) (flatMapList f xs)

def countJ (before : List (Name × Nat)) (p : Name × Nat) : List Json :=
  let known := match before.lookup p.1 with | some n => n | none => 0
  if p.2 == known then [] else [Json.mkObj [("name", nameJ p.1), ("entries", .num (JsonNumber.fromInt (p.2 - known : Int)))]]

/-- What a file makes: its constants as data, their attributes, and how many entries it gives each extension. -/
unsafe def exportFile (s : StateRef) (n : Nat) (j : Json) : IO Json := do
  match ← envOf s n, ← envOf s (getNat j "base" 1000000000) with
  | some cs, some base =>
    let made := newConstants base.env cs.env
    if getBool j "whole" then return Json.mkObj [("constants", linesJ (exportLines cs.env.find? made true))]
    let before ← mkModuleData base.env
    let after ← mkModuleData cs.env
    let counts := countsOf after.entries after.entries.size []
    let simp := simpSet (arrayToList after.entries after.entries.size [])
    return Json.mkObj [("constants", linesJ (exportLines cs.env.find? made false)), ("attributes", listJ id' (flatMapList (attributesJ cs.env simp) made)),
      ("entries", listJ id' (flatMapList (countJ (countsOf before.entries before.entries.size [])) counts))]
  | _, _ => return refusal "Unknown environment."
where id' (j : Json) : Json := j

partial def dropThese (ns : List Nat) (xs : Array (Option α)) : Array (Option α) :=
  match ns with | [] => xs | n :: ns => dropThese ns (if n < xs.size then xs.set! n none else xs)
partial def dropFrom (n : Nat) (xs : Array (Option α)) : Array (Option α) :=
  if n < xs.size then dropFrom (n + 1) (xs.set! n none) else xs

def forget (s : StateRef) (j : Json) : IO Json := do
  let es := nats (getList j "envs")
  s.modify fun st => { st with envs := dropThese es st.envs }
  match getNat? j "proofStatesFrom" with
  | some n => s.modify fun st => { st with proofs := dropFrom n st.proofs }
  | none => pure ()
  return Json.mkObj [("ok", .bool true)]

/-- One goal of a state by itself: what is proved of it is closed and checked for it alone. -/
def chosenGoal (p : ProofState) (i? : Option Nat) : Option ProofState :=
  match i? with
  | none => some p
  | some i => match dropList i p.goals with | g :: _ => some { p with goals := [g], root := [g] } | [] => none

/-- The constants in the statement and the hypotheses of a state's first goal. -/
def mentioned (p : ProofState) (tk : IO.CancelToken) : IO Json := do
  match p.goals with
  | [] => return Json.mkObj [("mentions", .arr #[])]
  | g :: _ =>
    let act : TermElabM (List Name) := do
      let d ← g.getDecl
      let t ← instantiateMVars d.type
      return append (constantsOf t) (← lctxConstants (persistentToList d.lctx.decls))
    let (ns, _) ← runTerm p 200000 tk act
    return Json.mkObj [("mentions", listJ nameJ ns)]

def premises (s : StateRef) (n : Nat) (j : Json) (tk : IO.CancelToken) : IO Json := do
  match ← envOf s n with
  | none => return refusal "Unknown environment."
  | some cs =>
    let ctx : Core.Context := { fileName := "<premises>", fileMap := default, options := baseOptions, maxHeartbeats := 200000 * 1000, cancelTk? := some tk }
    premisesJ cs.env (premiseJ ctx { env := cs.env, ngen := cs.ngen }) (getNat j "module" 0) (getNat j "first" 0) (getNat j "count" 1000) tk.isSet

def knownNames (s : StateRef) (names : List Json) (n : Nat) : IO Json := do
  match ← envOf s n with
  | none => return refusal "Unknown environment."
  | some cs => return Json.mkObj [("known", listJ stringJ (filterList (fun t => cs.env.contains t.toName) (strings names)))]

unsafe def handle (s : StateRef) (j : Json) (tk : NewToken) : IO Json := do
  match getNat? j "premises", getString? j "compare", getNat? j "export", j.getObjVal? "judge" with
  | some n, _, _, _ => premises s n j (← tk ())
  | _, some original, _, _ => compare s original (match getString? j "patched" with | some p => p | none => "") j (← tk ())
  | _, _, some n, _ => exportFile s n j
  | _, _, _, .ok (.arr lines) => judge s (arrayToList lines lines.size []) j (← tk ())
  | _, _, _, _ =>
  match j.getObjVal? "names" with
  | .ok (.arr names) => knownNames s (arrayToList names names.size []) (getNat j "env" 1000000000)
  | _ =>
  match getString? j "cmd", getString? j "file", getNat? j "describe", j.getObjVal? "forget" with
  | some src, _, _, _ => runCmd s src j (← tk ())
  | _, some src, _, _ => runFile s src j (← tk ())
  | _, _, some n, _ => describe s n j
  | _, _, _, .ok f => forget s f
  | _, _, _, _ =>
    let st ← s.get
    let maxHeartbeats := getNat j "maxHeartbeats" 200000
    match st.proofs[getNat j "proofState" 1000000000]? with
    | some (some whole) =>
      match chosenGoal whole (getNat? j "goal") with
      | none => return refusal "The proof state has no such goal."
      | some p =>
      if getBool j "mentions" then mentioned p (← tk ()) else
      match getString? j "tactic" with
      | some t => tacticJ s (← runTactic p t maxHeartbeats (← tk ()))
      | none =>
        let budget := getNat j "budgetMs" 0
        let now ← IO.monoMsNow
        let latest := if budget == 0 then 0 else now + budget
        let rs ← runTactics s p (strings (getList j "tactics")) maxHeartbeats (getBool j "stopOnSuccess") latest tk #[]
        return Json.mkObj [("results", .arr rs)]
    | _ => return refusal "Unknown proof state."

/-! ## The loop -/

partial def watch (d : IO.Ref (Nat × IO.CancelToken)) : IO Unit := do
  IO.sleep 20
  let (t, tk) ← d.get
  if t != 0 then
    let now ← IO.monoMsNow
    if now > t then tk.set
  watch d

unsafe def loop (s : StateRef) (d : IO.Ref (Nat × IO.CancelToken)) (stdin stdout : IO.FS.Stream) : IO Unit := do
  let l ← stdin.getLine
  if l.isEmpty then IO.Process.exit 0
  if l.trimAscii.isEmpty then loop s d stdin stdout else
  let (id, out) ← (match Json.parse l with
    | .error e => return ("", refusal ("bad JSON: " ++ e))
    | .ok j =>
      let timeout := getNat j "timeoutMs" 0
      let tk := fun () => do
        let t ← IO.CancelToken.new
        let now ← IO.monoMsNow
        d.set (if timeout == 0 then 0 else now + timeout, t)
        return t
      let id := match getString? j "id" with | some i => i | none => ""
      return (id, ← (try handle s j tk catch e => return refusal (toString e) : IO Json)) : IO (String × Json))
  d.modify fun (_, t) => (0, t)
  stdout.putStrLn (Json.mkObj [("id", .str id), ("reply", out)]).compress
  stdout.flush
  loop s d stdin stdout

end Server

open Server in
public unsafe def main (args : List String) : IO Unit := do
  let t0 ← IO.monoMsNow
  enableInitializersExecution
  let s ← IO.mkRef ({ envs := #[], proofs := #[], bases := [] } : Server.State)
  let d ← IO.mkRef ((0 : Nat), ← IO.CancelToken.new)
  if args.contains "--watch" then
    let _ ← IO.asTask (watch d) .dedicated
  let _ ← try runCmd s "" .null (← IO.CancelToken.new) catch e => pure (refusal (toString e))
  let t1 ← IO.monoMsNow
  IO.println (Json.mkObj [("ready", .bool true), ("ms", natJ (t1 - t0))]).compress
  (← IO.getStdout).flush
  -- a dedicated thread: its stack size is known (--tstack), so deep recursion is detected instead of fatal
  let stdin ← IO.getStdin
  let stdout ← IO.getStdout
  let t ← IO.asTask (loop s d stdin stdout) .dedicated
  let _ ← IO.wait t
