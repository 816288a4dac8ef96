/-
Says what a file declares, as elaborated, and what imports bring: `describe` writes the JSON of `DescribeReply` to
standard output, `premises` that of `PremisesReply`. The session
elaborates this text on top of the file, in a namespace of its own, and calls it with `#eval`; `import Lean` must be there.

It keeps to what Lean has had since v4.9, and to the style of `Server.lean` (recursion of our own, no `for`), so that
the embedded Lean can run it, too. The canonical text is the one that the embedded server writes.
-/
open Lean

@[noinline] def ap1 (f : α → β) (a : α) : β := f a
@[noinline] def ap3 (f : α → β → γ → δ) (a : α) (b : β) (c : γ) : δ := f a b c
partial def append (xs ys : List α) : List α := match xs with | [] => ys | x :: xs => x :: append xs ys
partial def filterList (p : α → Bool) (xs : List α) : List α :=
  match xs with | [] => [] | x :: xs => if p x then x :: filterList p xs else filterList p xs
partial def anyList (p : α → Bool) (xs : List α) : Bool := match xs with | [] => false | x :: xs => p x || anyList p xs
partial def pushAll (f : α → Json) (xs : List α) (acc : Array Json) : Array Json :=
  match xs with | [] => acc | x :: xs => pushAll f xs (acc.push (f x))
partial def arrayToList (xs : Array α) (i : Nat) (acc : List α) : List α :=
  if i = 0 then acc else match xs[i-1]? with | some x => arrayToList xs (i-1) (x :: acc) | none => acc
partial def mapIO (f : α → IO β) (xs : List α) (acc : Array β) : IO (Array β) :=
  match xs with | [] => return acc | x :: xs => do mapIO f xs (acc.push (← f x))
partial def dropList (n : Nat) (xs : List α) : List α := if n = 0 then xs else match xs with | [] => [] | _ :: xs => dropList (n - 1) xs
partial def takeList (n : Nat) (xs : List α) : List α := if n = 0 then [] else match xs with | [] => [] | x :: xs => x :: takeList (n - 1) xs
partial def splitLines (cs : List Char) (word : String) (acc : List String) : List String :=
  match cs with
  | [] => if word == "" then acc else word :: acc
  | '\n' :: cs => splitLines cs "" (word :: acc)
  | c :: cs => splitLines cs (word.push c) acc

def stringJ (s : String) : Json := .str s
def listJ (f : α → Json) (xs : List α) : Json := .arr (pushAll f xs #[])
def userName (n : Name) : Name := match privateToUserName? n with | some u => u | none => n
def nameJ (n : Name) : Json := .str n.toString
def userNameJ (n : Name) : Json := .str (userName n).toString
/-- An axiom by its exact name where it is the project's own: a private `propext` is not the one that everybody allows. -/
def axiomJ (env : Environment) (n : Name) : Json := if (env.getModuleIdxFor? n).isSome then userNameJ n else nameJ n
def isAuxiliary (n : Name) : Bool := (userName n).isInternal

mutual
partial def foldNode (keep : Name → Bool) (n : PersistentHashMap.Node Name ConstantInfo) (acc : List (Name × ConstantInfo)) :
    List (Name × ConstantInfo) :=
  match n with
  | .entries es => foldEntries keep es es.size acc
  | .collision ks vs _ => foldCollision keep ks vs ks.size acc
partial def foldEntries (keep : Name → Bool)
    (es : Array (PersistentHashMap.Entry Name ConstantInfo (PersistentHashMap.Node Name ConstantInfo))) (i : Nat)
    (acc : List (Name × ConstantInfo)) : List (Name × ConstantInfo) :=
  if i = 0 then acc else match es[i-1]? with
    | some (.entry k v) => foldEntries keep es (i-1) (if keep k then (k, v) :: acc else acc)
    | some (.ref n) => foldEntries keep es (i-1) (foldNode keep n acc)
    | _ => foldEntries keep es (i-1) acc
partial def foldCollision (keep : Name → Bool) (ks : Array Name) (vs : Array ConstantInfo) (i : Nat)
    (acc : List (Name × ConstantInfo)) : List (Name × ConstantInfo) :=
  if i = 0 then acc else match ks[i-1]?, vs[i-1]? with
    | some k, some v => foldCollision keep ks vs (i-1) (if keep k then (k, v) :: acc else acc)
    | _, _ => acc
end

def constantsOf (e : Expr) : List Name := let a := ap1 Expr.getUsedConstants e; arrayToList a a.size []
def valueOf : ConstantInfo → Option Expr
  | .defnInfo v => some v.value | .thmInfo v => some v.value | .opaqueInfo v => some v.value | _ => none
def constantsOfValue (c : ConstantInfo) : List Name := match valueOf c with | some v => constantsOf v | none => []
def constructorsOf (c : ConstantInfo) : List Name := match c with | .inductInfo v => v.ctors | _ => []
def kindOf : ConstantInfo → String
  | .axiomInfo _ => "axiom" | .defnInfo _ => "def" | .thmInfo _ => "theorem" | .opaqueInfo _ => "opaque"
  | .quotInfo _ => "quot" | .inductInfo _ => "inductive" | .ctorInfo _ => "constructor" | .recInfo _ => "recursor"

/-- Axioms below the constants of `todo`, through everything that is not imported; of the imported ones only the known
axioms count. What lies below imported constants is asked of `#print axioms`, which is compiled code. -/
partial def axiomsBelow (env : Environment) (todo : List Name) (seen : NameSet) (found : List Name) : List Name :=
  match todo with
  | [] => found
  | n :: todo =>
    if seen.contains n then axiomsBelow env todo seen found else
    let seen := seen.insert n
    match env.find? n with
    | none => axiomsBelow env todo seen found
    | some c =>
      let imported := (env.getModuleIdxFor? n).isSome
      let known := n == ``propext || n == ``Classical.choice || n == ``Quot.sound || n == ``sorryAx || n == `Lean.ofReduceBool
        || n == `Lean.ofReduceNat || n == `Lean.trustCompiler
      let isAxiom := match c with | .axiomInfo _ => !imported || known | _ => false
      let found := if isAxiom then n :: found else found
      if imported then axiomsBelow env todo seen found else
      axiomsBelow env (append (constantsOf c.type) (append (constantsOfValue c) (append (constructorsOf c) todo))) seen found

partial def ownSorry (skip : Name → Bool) (env : Environment) (todo : List Name) (seen : NameSet) : Bool :=
  match todo with
  | [] => false
  | n :: todo =>
    if n == ``sorryAx then true
    else if seen.contains n || skip n then ownSorry skip env todo seen
    else match env.find? n with
    | none => ownSorry skip env todo (seen.insert n)
    | some c => ownSorry skip env (append (constantsOf c.type) (append (constantsOfValue c) (append (constructorsOf c) todo))) (seen.insert n)

/-! A canonical text of terms, with shared subterms numbered. -/

structure Writer where
  seen  : Array (List (Expr × Nat))
  lines : Array String
  env   : Environment
def buckets : Nat := 512

def nameText (n : Name) : String := n.toString
partial def levelText (l : Level) : String :=
  match l with
  | .zero => "0" | .succ l => "(s " ++ levelText l ++ ")"
  | .max a b => "(m " ++ levelText a ++ " " ++ levelText b ++ ")" | .imax a b => "(i " ++ levelText a ++ " " ++ levelText b ++ ")"
  | .param n => "(p " ++ nameText n ++ ")" | .mvar _ => "?"
partial def levelsText (ls : List Level) : String := match ls with | [] => "" | l :: ls => " " ++ levelText l ++ levelsText ls
def binderText (b : BinderInfo) : String := match b with | .default => "d" | .implicit => "i" | .strictImplicit => "s" | .instImplicit => "c"
partial def firstArgument (e : Expr) : Option Expr :=
  match e with | .app (.const _ _) a => some a | .app f _ => firstArgument f | _ => none
partial def findIn (e : Expr) (xs : List (Expr × Nat)) : Option Nat :=
  match xs with | [] => none | (x, i) :: xs => if x == e then some i else findIn e xs
def bucketOf (e : Expr) : Nat := e.hash.toNat % buckets
def lookupSeen (w : Writer) (e : Expr) : Option Nat := match w.seen[bucketOf e]? with | some b => findIn e b | none => none
def emit (w : Writer) (e : Expr) (line : String) : Writer × Nat :=
  let i := w.lines.size
  let k := bucketOf e
  let b := match w.seen[k]? with | some b => b | none => []
  ({ w with seen := w.seen.set! k ((e, i) :: b), lines := w.lines.push line }, i)

partial def write (w : Writer) (e : Expr) : Writer × Nat :=
  match lookupSeen w e with
  | some i => (w, i)
  | none =>
    match e with
    | .mdata _ b => write w b
    | .bvar i => emit w e ("b " ++ toString i)
    | .sort l => emit w e ("u " ++ levelText l)
    | .lit (.natVal n) => emit w e ("n " ++ toString n)
    | .lit (.strVal t) => emit w e ("t " ++ t.quote)
    | .const n ls =>
      match (if isAuxiliary n then w.env.find? n else none) with
      | some (.thmInfo v) => let (w, i) := write w v.type; emit w e ("P " ++ toString i ++ levelsText ls)
      | _ => emit w e ("c " ++ nameText n ++ levelsText ls)
    | .app f a =>
      if e.getAppFn.isConstOf ``sorryAx then
        match firstArgument e with
        | some t => let (w, i) := write w t; emit w e ("S " ++ toString i)
        | none => emit w e "S"
      else if e.getAppFn.isConstOf `mkPanicMessageWithDecl || e.getAppFn.isConstOf `mkPanicMessage then emit w e "M"
      else
        let (w, i) := write w f
        let (w, j) := write w a
        emit w e ("a " ++ toString i ++ " " ++ toString j)
    | .lam _ t b k => let (w, i) := write w t; let (w, j) := write w b; emit w e ("l " ++ toString i ++ " " ++ toString j ++ binderText k)
    | .forallE _ t b k => let (w, i) := write w t; let (w, j) := write w b; emit w e ("f " ++ toString i ++ " " ++ toString j ++ binderText k)
    | .letE _ t v b _ =>
      let (w, i) := write w t; let (w, j) := write w v; let (w, k) := write w b
      emit w e ("z " ++ toString i ++ " " ++ toString j ++ " " ++ toString k)
    | .proj n i b => let (w, j) := write w b; emit w e ("j " ++ nameText n ++ " " ++ toString i ++ " " ++ toString j)
    | .fvar _ => emit w e "!"
    | .mvar _ => emit w e "?"

partial def joinLines (xs : Array String) (i : Nat) (acc : List String) : String :=
  if i = 0 then String.intercalate "\n" acc else joinLines xs (i-1) ((match xs[i-1]? with | some x => x | none => "") :: acc)
def exprText (env : Environment) (e : Expr) : String :=
  let (w, i) := write { seen := none0 buckets, lines := #[], env := env } e
  joinLines w.lines w.lines.size ["= " ++ toString i]
where
  none0 (n : Nat) : Array (List (Expr × Nat)) := fill n #[]
  fill (n : Nat) (acc : Array (List (Expr × Nat))) : Array (List (Expr × Nat)) := match n with | 0 => acc | n + 1 => fill n (acc.push [])

/-- The kernel once more, under a name of its own, whatever options the declaration was made with. -/
def recheck (env : Environment) (p : Name × ConstantInfo) : IO String := do
  let name := `_recheck ++ p.1
  let decl? : Option Declaration := match p.2 with
    | .thmInfo v => some (.thmDecl { v with name := name, all := [name] })
    | .defnInfo v => if v.safety == .safe then some (.defnDecl { v with name := name, all := [name] }) else none
    | .opaqueInfo v => if v.isUnsafe then none else some (.opaqueDecl { v with name := name, all := [name] })
    | _ => none
  match decl? with
  | none => return ""
  | some d =>
    try
      let _ ← (addDecl d : CoreM Unit).toIO { fileName := "", fileMap := default, maxHeartbeats := 0 } { env := env }
      return ""
    catch e => return toString e

def describeOne (env : Environment) (wanted : List String) (p : Name × ConstantInfo) : IO Json := do
  let c := p.2
  let isTheorem := match c with | .thmInfo _ => true | _ => false
  let value := if isTheorem then "" else match valueOf c with | some v => exprText env v | none => ""
  let uses := filterList (fun n => (env.getModuleIdxFor? n).isNone) (append (constantsOf c.type) (constantsOfValue c))
  let axioms := axiomsBelow env [p.1] {} []
  let user := (userName p.1).toString
  let checked ← if anyList (fun w => w == "*" || w == user) wanted then recheck env p else pure ""
  return Json.mkObj [("name", nameJ p.1), ("userName", .str user), ("kind", .str (kindOf c)), ("levels", listJ nameJ c.levelParams),
    ("auxiliary", .bool (isAuxiliary p.1)), ("type", .str (exprText env c.type)), ("value", .str value),
    ("axioms", listJ (axiomJ env) axioms), ("hasSorry", .bool (anyList (fun n => n == ``sorryAx) axioms)),
    ("ownSorry", .bool (ownSorry (fun n => n != p.1 && !isAuxiliary n) env [p.1] {})),
    ("typeHasSorry", .bool c.type.hasSorry), ("uses", listJ nameJ uses), ("recheck", .str checked)]

/-- The constants that `env` has and its imports have not, without ours (those in `ours`, and what `#eval` makes). -/
def made (env : Environment) (ours : Name) : List (Name × ConstantInfo) :=
  foldNode (fun n => !(ours.isPrefixOf (userName n)) && !((`_eval).isPrefixOf n) && (env.getModuleIdxFor? n).isNone) env.constants.map₂.root []

/-- A constant as a premise: its type on one line, and the constants in it. -/
def premiseJ (env : Environment) (c : ConstantInfo) : IO Json := do
  let act : MetaM (Format × Bool) := do return (← Meta.ppExpr c.type, ← Meta.isProp c.type)
  let (type, prop) ← try
      let (((f, p), _), _) ← (act.run {} {}).toIO { fileName := "", fileMap := default } { env := env }
      pure (f.pretty 1000000, p)
    catch _ => pure ("", false)
  let kind := if prop then "theorem" else kindOf c
  return Json.mkObj [("name", userNameJ c.name), ("kind", .str kind), ("type", .str type), ("mentions", listJ nameJ (constantsOf c.type))]

def isPremise (env : Environment) (c : ConstantInfo) : Bool :=
  !isAuxiliary c.name && !isPrivateName c.name && !isAuxRecursor env c.name && !isNoConfusion env c.name &&
    (match c with | .recInfo _ => false | .quotInfo _ => false | _ => true)

/-- The constants of the imported module number `module`, from number `first` on, at most `count` of them looked at. -/
def premises (env : Environment) (_ours : Name) (module first count : Nat) : IO Unit := do
  let modules := env.header.moduleNames
  let modulesJ : Json := .num (JsonNumber.fromNat modules.size)
  match modules[module]?, env.header.moduleData[module]? with
  | some name, some data =>
    let chosen := takeList count (dropList first (arrayToList data.constants data.constants.size []))
    let found ← mapIO (premiseJ env) (filterList (isPremise env) chosen) #[]
    IO.println (Json.mkObj [("module", nameJ name), ("modules", modulesJ), ("constants", .num (JsonNumber.fromNat data.constants.size)),
      ("premises", .arr found), ("interrupted", .bool false)]).compress
  | _, _ => IO.println (Json.mkObj [("module", .str ""), ("modules", modulesJ), ("constants", .num (JsonNumber.fromNat 0)),
      ("premises", .arr #[]), ("interrupted", .bool false)]).compress

def names (env : Environment) (ours : Name) : IO Unit :=
  IO.println (listJ (fun p => nameJ p.1) (made env ours)).compress

def describe (env : Environment) (ours : Name) (known wanted : String) : IO Unit := do
  let known := splitLines known.toList "" []
  let new := filterList (fun p => !(anyList (fun s => s == p.1.toString) known)) (made env ours)
  let wanted := splitLines wanted.toList "" []
  let found ← mapIO (describeOne env wanted) new #[]
  IO.println (Json.mkObj [("declarations", .arr found)]).compress
