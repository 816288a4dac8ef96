/-
What an environment declares, as elaborated: constants, their axioms, a canonical text of terms. The embedded server is
compiled with this text in it, and the describing program that the user's own Lean is asked with begins with it.

It keeps to what Lean has had since v4.9, and to what the embedded Lean's code generator can reach: recursion of our own,
no `for`, no `List.reverse`, no specialised helpers.
-/

/-! ## Combinators and JSON -/

@[noinline] def ap1 (f : α → β) (a : α) : β := f a
partial def append (xs ys : List α) : List α := match xs with | [] => ys | x :: xs => x :: append xs ys
partial def filterList (p : α → Bool) (xs : List α) : List α :=
  match xs with | [] => [] | x :: xs => if p x then x :: filterList p xs else filterList p xs
partial def anyList (p : α → Bool) (xs : List α) : Bool := match xs with | [] => false | x :: xs => p x || anyList p xs
partial def emptyLists {α : Type} (n : Nat) (acc : Array (List α)) : Array (List α) := match n with | 0 => acc | n + 1 => emptyLists n (acc.push [])
partial def dropList (n : Nat) (xs : List α) : List α := if n = 0 then xs else match xs with | [] => [] | _ :: xs => dropList (n - 1) xs
partial def takeList (n : Nat) (xs : List α) : List α := if n = 0 then [] else match xs with | [] => [] | x :: xs => x :: takeList (n - 1) xs
partial def pushAll (f : α → Json) (xs : List α) (acc : Array Json) : Array Json :=
  match xs with | [] => acc | x :: xs => pushAll f xs (acc.push (f x))
partial def arrayToList (xs : Array α) (i : Nat) (acc : List α) : List α :=
  if i = 0 then acc else match xs[i-1]? with | some x => arrayToList xs (i-1) (x :: acc) | none => acc
partial def mapEach [Monad m] (f : α → m β) (xs : List α) (acc : Array β := #[]) : m (Array β) := do
  match xs with | [] => return acc | x :: xs => mapEach f xs (acc.push (← f x))
def isNil (xs : List α) : Bool := match xs with | [] => true | _ => false
partial def reverseOnto (xs acc : List α) : List α := match xs with | [] => acc | x :: xs => reverseOnto xs (x :: acc)
def reverse (xs : List α) : List α := reverseOnto xs []
partial def mapList (f : α → β) (xs : List α) : List β := match xs with | [] => [] | x :: xs => f x :: mapList f xs
partial def listLength (xs : List α) (n : Nat) : Nat := match xs with | [] => n | _ :: xs => listLength xs (n + 1)

def natJ (n : Nat) : Json := .num (JsonNumber.fromNat n)
def listJ (f : α → Json) (xs : List α) : Json := .arr (pushAll f xs #[])
def stringJ (s : String) : Json := .str s
def positionJ (p : Position) : Json := Json.mkObj [("line", natJ p.line), ("column", natJ p.column)]
def refusal (s : String) : Json := Json.mkObj [("message", .str s)]

def getNat? (j : Json) (k : String) : Option Nat :=
  match j.getObjVal? k with | .ok v => (match v.getNat? with | .ok n => some n | .error _ => none) | .error _ => none
def getNat (j : Json) (k : String) (d : Nat) : Nat := match getNat? j k with | some n => n | none => d
def getBool (j : Json) (k : String) : Bool := match j.getObjVal? k with | .ok (.bool b) => b | _ => false
def getString? (j : Json) (k : String) : Option String := match j.getObjVal? k with | .ok (.str s) => some s | _ => none
def getList (j : Json) (k : String) : List Json :=
  match j.getObjVal? k with | .ok (.arr xs) => arrayToList xs xs.size [] | _ => []
partial def strings (js : List Json) : List String :=
  match js with | [] => [] | .str s :: js => s :: strings js | _ :: js => strings js
partial def nats (js : List Json) : List Nat :=
  match js with | [] => [] | j :: js => match j.getNat? with | .ok n => n :: nats js | .error _ => nats js

def messageJ (m : Message) : IO Json := do
  let data ← m.data.toString
  let severity := match m.severity with | .information => "info" | .warning => "warning" | .error => "error"
  return Json.mkObj [("severity", .str severity), ("pos", positionJ m.pos),
    ("endPos", match m.endPos with | some p => positionJ p | none => .null), ("data", .str data)]

/-- The name as a user writes it: without the module prefix of private declarations. -/
def userName (n : Name) : Name := match privateToUserName? n with | some u => u | none => n
def userNameJ (n : Name) : Json := .str (userName n).toString
def nameJ (n : Name) : Json := .str n.toString
/-- An axiom by its exact name where it is the project's own: a private `propext` is not the one that everybody allows. -/
def axiomJ (env : Environment) (n : Name) : Json := if (env.getModuleIdxFor? n).isSome then userNameJ n else nameJ n
def isAuxiliary (n : Name) : Bool := (userName n).isInternal

/-! ## Constants and their axioms -/

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
/-- Declarations of `new` that `old` has not, the compiler's and elaborator's own included. -/
def newConstants (old new : Environment) : List (Name × ConstantInfo) :=
  foldNode (fun n => !old.contains n) new.constants.map₂.root []
def isKnownAxiom (n : Name) : Bool :=
  n == ``propext || n == ``Classical.choice || n == ``Quot.sound || n == ``sorryAx || n == `Lean.ofReduceBool || n == `Lean.ofReduceNat ||
  n == `Lean.trustCompiler

def constantsOf (e : Expr) : List Name := let a := ap1 Expr.getUsedConstants e; arrayToList a a.size []
def valueOf : ConstantInfo → Option Expr
  | .defnInfo v => some v.value | .thmInfo v => some v.value | .opaqueInfo v => some v.value | _ => none
def constantsOfValue (ci : ConstantInfo) : List Name := match valueOf ci with | some v => constantsOf v | none => []
def constructorsOf (ci : ConstantInfo) : List Name := match ci with | .inductInfo v => v.ctors | _ => []

/-- Axioms below the constants of `todo`, through everything that is not imported. Imported theorems look like axioms
at the level `exported`, so of the imported ones only the known axioms count. -/
partial def collectAxioms (env : Environment) (todo : List Name) (seen : NameSet) (found : List Name) : List Name :=
  match todo with
  | [] => found
  | n :: todo =>
    if seen.contains n then collectAxioms env todo seen found else
    let seen := seen.insert n
    match env.find? n with
    | none => collectAxioms env todo seen found
    | some ci =>
      let imported := (env.getModuleIdxFor? n).isSome
      let isAxiom := match ci with | .axiomInfo _ => !imported || isKnownAxiom n | _ => false
      let found := if isAxiom then n :: found else found
      if imported then collectAxioms env todo seen found else
      collectAxioms env (append (constantsOf ci.type) (append (constantsOfValue ci) (append (constructorsOf ci) todo))) seen found

/-- Do the constants of `todo` mention `sorryAx` themselves, or through constants that are not to be skipped? -/
partial def ownSorry (skip : Name → Bool) (env : Environment) (todo : List Name) (seen : NameSet) : Bool :=
  match todo with
  | [] => false
  | n :: todo =>
    if n == ``sorryAx then true
    else if seen.contains n || skip n then ownSorry skip env todo seen
    else match env.find? n with
    | none => ownSorry skip env todo (seen.insert n)
    | some ci =>
      ownSorry skip env (append (constantsOf ci.type) (append (constantsOfValue ci) (append (constructorsOf ci) todo))) (seen.insert n)

def kindOf : ConstantInfo → String
  | .axiomInfo _ => "axiom" | .defnInfo _ => "def" | .thmInfo _ => "theorem" | .opaqueInfo _ => "opaque"
  | .quotInfo _ => "quot" | .inductInfo _ => "inductive" | .ctorInfo _ => "constructor" | .recInfo _ => "recursor"

/-! ## A canonical text of terms, with shared subterms numbered -/

structure Writer where
  /-- buckets by hash -/
  seen  : Array (List (Expr × Nat))
  lines : Array String
  env   : Environment
  /-- the hypotheses by number, where a goal is written and not a declaration -/
  free? : Option (List (FVarId × Nat)) := none
def buckets : Nat := 512
def emptyBuckets (n : Nat) (acc : Array (List (Expr × Nat))) : Array (List (Expr × Nat)) := emptyLists n acc

def nameText (n : Name) : String := n.toString
partial def levelText (l : Level) : String :=
  match l with
  | .zero => "0" | .succ l => "(s " ++ levelText l ++ ")"
  | .max a b => "(m " ++ levelText a ++ " " ++ levelText b ++ ")" | .imax a b => "(i " ++ levelText a ++ " " ++ levelText b ++ ")"
  | .param n => "(p " ++ nameText n ++ ")" | .mvar i => "(? " ++ nameText i.name ++ ")"
partial def levelsText (ls : List Level) : String := match ls with | [] => "" | l :: ls => " " ++ levelText l ++ levelsText ls
def binderText (b : BinderInfo) : String := match b with | .default => "d" | .implicit => "i" | .strictImplicit => "s" | .instImplicit => "c"
partial def firstArgument (e : Expr) : Option Expr :=
  match e with | .app (.const _ _) a => some a | .app f _ => firstArgument f | _ => none

/-- A `match` is compiled to a constant that is named after the first declaration with such a `match`. -/
def isMatcher (env : Environment) (n : Name) : Bool :=
  (env.getModuleIdxFor? n).isNone && (match n with | .str _ s => s.startsWith "match_" | _ => false)
def bucketOf (e : Expr) : Nat := e.hash.toNat % buckets
def lookupSeen (w : Writer) (e : Expr) : Option Nat := match w.seen[bucketOf e]? with | some b => b.lookup e | none => none
def emit (w : Writer) (e : Expr) (line : String) : Writer × Nat :=
  let i := w.lines.size
  let k := bucketOf e
  let b := match w.seen[k]? with | some b => b | none => []
  ({ w with seen := w.seen.set! k ((e, i) :: b), lines := w.lines.push line }, i)

def isPanic (f : Expr) : Bool :=
  f.getAppFn.isConstOf `panicWithPosWithDecl || f.getAppFn.isConstOf `panicWithPos ||
    f.getAppFn.isConstOf `mkPanicMessageWithDecl || f.getAppFn.isConstOf `mkPanicMessage
def isNumeral (e : Expr) : Bool := match e with | .lit (.natVal _) => true | _ => e.getAppFn.isConstOf ``OfNat.ofNat

/-- The number of the line that stands for `e`. Binder names, metadata and the label of a sorry are left out; an auxiliary
theorem is written as its statement, since its name depends on what was elaborated before. -/
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
      match (if isAuxiliary n || (w.free?.isSome && isMatcher w.env n) then w.env.find? n else none) with
      | some (.thmInfo v) => let (w, i) := write w v.type; emit w e ("P " ++ toString i ++ levelsText ls)
      | some (.defnInfo v) =>
        if w.free?.isSome then write w (v.value.instantiateLevelParams v.levelParams ls) else emit w e ("c " ++ nameText n ++ levelsText ls)
      | _ => emit w e ("c " ++ nameText n ++ levelsText ls)
    | .app f a =>
      if e.getAppFn.isConstOf ``sorryAx then
        match firstArgument e with
        | some t => let (w, i) := write w t; emit w e ("S " ++ toString i)
        | none => emit w e "S"
      -- a panic says where it stands in the text, which a proof further up may shift
      else if isPanic f && isNumeral a then
        let (w, i) := write w f
        emit w e ("M " ++ toString i)
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
    | .fvar i =>
      match w.free? with
      | some known => emit w e (match known.lookup i with | some n => "v " ++ toString n | none => "! " ++ nameText i.name)
      | none => emit w e "!"
    | .mvar i => emit w e ("? " ++ nameText i.name)

partial def joinLines (xs : Array String) (i : Nat) (acc : List String) : String :=
  if i = 0 then String.intercalate "\n" acc else joinLines xs (i-1) ((match xs[i-1]? with | some x => x | none => "") :: acc)
def exprText (env : Environment) (e : Expr) : String :=
  let (w, i) := write { seen := emptyBuckets buckets #[], lines := #[], env := env } e
  joinLines w.lines w.lines.size ["= " ++ toString i]

/-! ## Fingerprints -/

partial def endsInProp (e : Expr) : Bool :=
  match e with | .forallE _ _ b _ => endsInProp b | .mdata _ b => endsInProp b | .sort .zero => true | _ => false
/-- Is a type a proposition, as far as its head tells under these binders? -/
partial def isProposition (env : Environment) (binders : List Expr) (e : Expr) : Bool :=
  match e with
  | .forallE _ t b _ => isProposition env (t :: binders) b
  | .mdata _ b => isProposition env binders b
  | _ => match e.getAppFn with
    | .const n _ => match env.find? n with | some ci => endsInProp ci.type | none => false
    | .bvar i => match dropList i binders with | t :: _ => endsInProp t | [] => false
    | _ => false

def describeOne (env : Environment) (p : Name × ConstantInfo) : Json :=
  let ci := p.2
  let theoremLike := match ci with | .thmInfo _ => true | _ => false
  let value := if theoremLike then "" else match valueOf ci with | some v => exprText env v | none => ""
  let uses := filterList (fun n => (env.getModuleIdxFor? n).isNone) (append (constantsOf ci.type) (constantsOfValue ci))
  let axioms := collectAxioms env [p.1] {} []
  Json.mkObj [("name", nameJ p.1), ("userName", userNameJ p.1), ("kind", .str (kindOf ci)), ("levels", listJ nameJ ci.levelParams),
    ("auxiliary", .bool (isAuxiliary p.1)), ("type", .str (exprText env ci.type)), ("value", .str value),
    ("axioms", listJ (axiomJ env) axioms), ("hasSorry", .bool (axioms.contains ``sorryAx)),
    ("ownSorry", .bool (axioms.contains ``sorryAx && ownSorry (fun n => n != p.1 && !isAuxiliary n) env [p.1] {})),
    ("typeHasSorry", .bool ci.type.hasSorry), ("isProp", .bool (isProposition env [] ci.type)), ("uses", listJ nameJ uses)]

/-! ## The library's constants -/

/-- A constant as a premise: its type on one line, and the constants in it. What is imported shows no proof, so that a
theorem looks like an axiom. -/
def premiseJ (ctx : Core.Context) (st : Core.State) (ci : ConstantInfo) : IO Json := do
  let act : MetaM (Format × Bool) := do return (← Meta.ppExpr ci.type, ← Meta.isProp ci.type)
  let (type, prop) ← try
      let (((f, p), _), _) ← (act.run {} {}).toIO ctx st
      pure (f.pretty 1000000, p)
    catch _ => pure ("", false)
  let kind := if prop then "theorem" else kindOf ci
  return Json.mkObj [("name", userNameJ ci.name), ("kind", .str kind), ("type", .str type), ("mentions", listJ nameJ (constantsOf ci.type))]

def isPremise (env : Environment) (ci : ConstantInfo) : Bool :=
  !isAuxiliary ci.name && !isPrivateName ci.name && !isAuxRecursor env ci.name && !isNoConfusion env ci.name &&
    (match ci with | .recInfo _ => false | .quotInfo _ => false | _ => true)

/-- The constants of the imported module number `module`, from number `first` on, at most `count` of them looked at. -/
def premisesJ (env : Environment) (premise : ConstantInfo → IO Json) (module first count : Nat) (interrupted : IO Bool) : IO Json := do
  let modules := env.header.moduleNames
  let (name, constants) := match modules[module]?, env.header.moduleData[module]? with
    | some name, some data => (name.toString, data.constants)
    | _, _ => ("", #[])
  let chosen := takeList count (dropList first (arrayToList constants constants.size []))
  let found ← mapEach premise (filterList (isPremise env) chosen)
  return Json.mkObj [("module", .str name), ("modules", natJ modules.size), ("constants", natJ constants.size), ("premises", .arr found),
    ("interrupted", .bool (← interrupted))]
