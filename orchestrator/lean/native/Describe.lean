/-
Says what a file declares, as elaborated, and what imports bring: `describe` writes the JSON of `DescribeReply` to
standard output, `premises` that of `PremisesReply`, `premisesOf` the same of a module by its name. The session
elaborates `Declarations.lean` and this text on top of the file, in a namespace of its own, and calls it with `#eval`;
`import Lean` must be there.
-/

-- Declarations.lean stands here

partial def splitLines (cs : List Char) (word : String) (acc : List String) : List String :=
  match cs with
  | [] => if word == "" then acc else word :: acc
  | '\n' :: cs => splitLines cs "" (word :: acc)
  | c :: cs => splitLines cs (word.push c) acc

/-- The constants that `env` has and its imports have not, without ours (those in `ours`, and what `#eval` makes). -/
def made (env : Environment) (ours : Name) : List (Name × ConstantInfo) :=
  foldNode (fun n => !(ours.isPrefixOf (userName n)) && !((`_eval).isPrefixOf n) && (env.getModuleIdxFor? n).isNone) env.constants.map₂.root []

def premises (env : Environment) (_ours : Name) (module first count : Nat) : IO Unit := do
  let one := premiseJ { fileName := "", fileMap := default } { env := env }
  IO.println (← premisesJ env one module first count (pure false)).compress

/-- The first number of a name in a list, counted from `n`; behind the last one where it is not there. -/
partial def numberOf (names : List Name) (name : String) (n : Nat) : Nat :=
  match names with
  | [] => n
  | m :: ms => if m.toString == name then n else numberOf ms name (n + 1)

def premisesOf (env : Environment) (ours : Name) (module : String) (first count : Nat) : IO Unit :=
  let modules := env.header.moduleNames
  premises env ours (numberOf (arrayToList modules modules.size []) module 0) first count

def names (env : Environment) (ours : Name) : IO Unit :=
  IO.println (listJ (fun p => nameJ p.1) (made env ours)).compress

def describe (env : Environment) (ours : Name) (known : String) : IO Unit := do
  let known := splitLines known.toList "" []
  let new := filterList (fun p => !(anyList (fun s => s == p.1.toString) known)) (made env ours)
  IO.println (Json.mkObj [("declarations", listJ (describeOne env) new)]).compress
