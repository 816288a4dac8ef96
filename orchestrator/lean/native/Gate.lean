/-
The gate's program for the user's own Lean. It answers one JSON request a line, as `protocol.py` in the folder above
describes them, or exports a compiled file:

    lean --run … compare           parses a patch beside its original; only this runs the owner's code
    lean --run … judge             imports libraries, runs no code, takes exports through the kernel
    lean --run … export FILE OUT   reads a compiled file as data, and writes what it holds to OUT

What no two releases of Lean have in common stands between the lines `since` and `before`: one part of it is taken.
-/
import Lean
open Lean Elab

namespace OrchestratorGate

-- Declarations.lean stands here

/-! ## What the shared texts ask of this Lean -/

abbrev Token := Unit
def isSet (_ : Token) : IO Bool := return false
def keepsExamples : Bool := false
def seesLibrary : Bool := true

def messagesOf (m : MessageLog) : List Message := m.toList

def elabForEffect (ictx : Parser.InputContext) (ps : Parser.ModuleParserState) (stx : Syntax) (cs : Command.State) (_ : Token) :
    IO (Command.State × List Message) := do
  let (_, s) ← ((Frontend.elabCommandAtFrontend stx).run { inputCtx := ictx }).run
    { commandState := { cs with messages := {} }, parserState := ps, cmdPos := ps.pos }
  return (s.commandState, messagesOf s.commandState.messages)

def judgeContext (_ : Token) : Core.Context :=
  { fileName := "<judge>", fileMap := default, maxHeartbeats := 0, maxRecDepth := 10000 }

/-- The kernel, with no option that could switch it off. -/
def addConstant (env : Environment) (d : Declaration) (tk : Token) : IO (Except String Environment) := do
  try
    let (_, s) ← (addDecl d : CoreM Unit).toIO (judgeContext tk) { env := env }
    return .ok s.env
  catch e => return .error (toString e)

-- since v4.18
def sorryPlace (e : Expr) : Option Position :=
  match Meta.isLabeledSorry? e with | some { module? := some l } => some l.range.pos | _ => none
-- before v4.18
def sorryPlace (_ : Expr) : Option Position := none
-- end

-- Compare.lean stands here

-- Judge.lean stands here

/-! ## A compiled file as data -/

-- since v4.22
/-- The parts of a compiled file; the last one has everything. -/
unsafe def readParts (file : System.FilePath) : IO (List ModuleData) := do
  let server := OLeanLevel.server.adjustFileName file
  let «private» := OLeanLevel.private.adjustFileName file
  let hasServer ← server.pathExists
  let hasPrivate ← «private».pathExists
  let parts ← readModuleDataParts (if !hasServer then #[file] else if !hasPrivate then #[file, server] else #[file, server, «private»])
  return mapList (fun p => p.1) (arrayToList parts parts.size [])
-- before v4.22
unsafe def readParts (file : System.FilePath) : IO (List ModuleData) := do
  let (data, _) ← readModuleData file
  return [data]
-- end

abbrev Index := Array (List (Name × ConstantInfo))
partial def indexed (constants : Array ConstantInfo) (i : Nat) (acc : Index) : Index :=
  match constants[i]? with
  | none => acc
  | some ci =>
    let k := ci.name.hash.toNat % knownBuckets
    let bucket := match acc[k]? with | some b => b | none => []
    indexed constants (i + 1) (acc.set! k ((ci.name, ci) :: bucket))
def inIndex? (x : Index) (n : Name) : Option ConstantInfo :=
  match x[n.hash.toNat % knownBuckets]? with | some b => b.lookup n | none => none
partial def lastOf (parts : List ModuleData) : Option ModuleData :=
  match parts with | [] => none | [p] => some p | _ :: ps => lastOf ps
def entryJ (p : Name × Nat) : Json := Json.mkObj [("name", nameJ p.1), ("entries", natJ p.2)]
partial def allEntries (parts : List ModuleData) : List (Name × Nat) :=
  match parts with | [] => [] | p :: ps => append (countsOf p.entries p.entries.size []) (allEntries ps)

/-- What the parts of a compiled file hold, as `ExportReply`. -/
def exportParts (parts : List ModuleData) : Json :=
  match lastOf parts with
  | none => refusal "The compiled file is empty."
  | some data =>
    let index := indexed data.constants 0 (emptyLists knownBuckets #[])
    let made := mapList (fun ci => (ci.name, ci)) (arrayToList data.constants data.constants.size [])
    Json.mkObj [("constants", linesJ (exportLines (inIndex? index) made false)), ("attributes", .arr #[]),
      ("entries", listJ entryJ (allEntries parts))]

/-! ## Requests -/

structure State where
  envs : Array (Environment × Known)

abbrev StateRef := IO.Ref State

def keep (s : StateRef) (env : Environment) (known : Known) : IO Nat := do
  let st ← s.get
  s.set { st with envs := st.envs.push (env, known) }
  return st.envs.size

/-- What the imports bring, private parts included. No initializer runs. -/
def library (s : StateRef) (header : String) : IO Json := do
  let (stx, _, messages) ← Parser.parseHeader (Parser.mkInputContext header "<imports>")
  if messages.hasErrors then return refusal "The header cannot be read."
  let env ← importModules (headerToImports stx) {}
  return Json.mkObj [("env", natJ (← keep s env nothingKnown))]

partial def runSettings (settings : List String) (cs : Command.State) : IO Command.State := do
  match settings with
  | [] => return cs
  | text :: settings =>
    let ictx := Parser.mkInputContext text "<settings>"
    let (stx, _, _) := parseOne ictx {} cs
    let (cs, _) ← elabForEffect ictx {} stx cs ()
    runSettings settings { cs with messages := {} }

/-- Parse `patched` beside `original`, which is elaborated on what its own header imports. -/
def compareTexts (original patched module : String) (settings : List String) : IO Json := do
  let o := Parser.mkInputContext original "<original>"
  let p := Parser.mkInputContext patched "<patched>"
  let (header, os, messages) ← Parser.parseHeader o
  let (header', ps, messages') ← Parser.parseHeader p
  let (env, messages) ← processHeader header {} messages o
  if messages.hasErrors then
    let said ← mapEach messageJ (messagesOf messages)
    return refusal ("The original's header: " ++ (Json.arr said).compress)
  let cs ← runSettings settings (Command.mkState (env.setMainModule module.toName) {} {})
  let before : Syntax := header
  let after : Syntax := header'
  let pairs := if sameTree before after then [] else [pairJ o p cs (some before) (some after) []]
  let out ← pairCommands o p os ps 0 () { state := cs, messages := messagesOf messages', pairs := pairs }
  return Json.mkObj [("env", natJ 0), ("pairs", .arr (pushAll id (reverse out.pairs) #[])), ("messages", .arr (← mapEach messageJ out.messages)),
    ("original", .arr (← mapEach messageJ out.said)), ("interrupted", .bool false)]

def judge (s : StateRef) (lines : List Json) (n : Nat) : IO Json := do
  match (← s.get).envs[n]? with
  | none => return refusal "Unknown environment."
  | some (env, known) =>
    let (env, known, reply) ← judgeExport env known lines ()
    return Json.mkObj (("env", natJ (← keep s env known)) :: reply)

def knownNames (s : StateRef) (names : List String) (n : Nat) : IO Json := do
  match (← s.get).envs[n]? with
  | none => return refusal "Unknown environment."
  | some (env, _) => return Json.mkObj [("known", listJ stringJ (filterList (fun t => env.contains t.toName) names))]

/-- What is compiled of a declaration, without its terms. -/
def factJ (env : Environment) (n : Name) (ci : ConstantInfo) (rest : Rest) : Json :=
  let own := anyList (fun m => m == n || (isAuxiliary m && ownerOf env m == n)) rest.sorried
  Json.mkObj [("name", nameJ n), ("userName", userNameJ n), ("kind", .str (kindOf ci)), ("levels", listJ nameJ ci.levelParams),
    ("auxiliary", .bool (isAuxiliary n)), ("type", .str ""), ("value", .str ""), ("axioms", listJ nameJ rest.axioms),
    ("hasSorry", .bool (rest.axioms.contains ``sorryAx)), ("ownSorry", .bool own), ("typeHasSorry", .bool ci.type.hasSorry),
    ("uses", listJ nameJ rest.sorried)]
partial def factsOf (env : Environment) (known : Known) (names : List String) (facts : List Json) (sorried : List Name) :
    Known × List Json × List Name :=
  match names with
  | [] => (known, facts, sorried)
  | t :: names =>
    let n := t.toName
    match env.find? n with
    | none => factsOf env known names facts sorried
    | some ci =>
      let (known, rest) := restOf env known n
      factsOf env known names (factJ env n ci rest :: facts) (together rest.sorried sorried)

def look (s : StateRef) (names : List String) (n : Nat) : IO Json := do
  match (← s.get).envs[n]? with
  | none => return refusal "Unknown environment."
  | some (env, known) =>
    let (known, facts, sorried) := factsOf env known names [] []
    s.modify fun st => { st with envs := st.envs.set! n (env, known) }
    return Json.mkObj [("declarations", .arr (pushAll id facts #[])), ("below", listJ (sorriedJ env) sorried)]

def handle (s : StateRef) (compares : Bool) (j : Json) : IO Json := do
  if compares then
    match getString? j "compare", getString? j "patched", getString? j "module" with
    | some original, some patched, some module => compareTexts original patched module (strings (getList j "settings"))
    | _, _, _ => return refusal "This process compares texts."
  else match j.getObjVal? "facts" with
  | .ok _ => look s (strings (getList j "facts")) (getNat j "env" 1000000000)
  | .error _ =>
    match j.getObjVal? "judge", j.getObjVal? "names", getString? j "cmd" with
    | .ok _, _, _ => judge s (getList j "judge") (getNat j "env" 1000000000)
    | _, .ok _, _ => knownNames s (strings (getList j "names")) (getNat j "env" 1000000000)
    | _, _, some header => library s header
    | _, _, _ => return refusal "This process judges exports."

partial def serve (s : StateRef) (compares : Bool) (stdin stdout : IO.FS.Stream) : IO Unit := do
  let line ← stdin.getLine
  if line.isEmpty then return
  let (id, reply) ← (match Json.parse line with
    | .error e => return ("", refusal ("bad JSON: " ++ e))
    | .ok j =>
      let id := match getString? j "id" with | some i => i | none => ""
      return (id, ← (try handle s compares j catch e => return refusal (toString e) : IO Json)) : IO (String × Json))
  stdout.putStrLn (Json.mkObj [("id", .str id), ("reply", reply)]).compress
  stdout.flush
  serve s compares stdin stdout

unsafe def work (args : List String) : IO UInt32 := do
  match args with
  | ["export", file, out] =>
    IO.FS.writeFile out (exportParts (← readParts file)).compress
    return 0
  | ["judge"] | ["compare"] =>
    -- `lean --run` has done it where this fails
    try initSearchPath (← findSysroot) catch _ => pure ()
    let compares := args == ["compare"]
    if compares then enableInitializersExecution
    let s ← IO.mkRef ({ envs := #[] } : State)
    let stdin ← IO.getStdin
    let stdout ← IO.getStdout
    stdout.putStrLn (Json.mkObj [("ready", .bool true)]).compress
    stdout.flush
    serve s compares stdin stdout
    return 0
  | _ => return 2

/-- On a thread of its own, whose stack is as large as `--tstack` says. -/
unsafe def main (args : List String) : IO UInt32 := do
  let task ← IO.asTask (work args) .dedicated
  IO.ofExcept task.get

end OrchestratorGate
