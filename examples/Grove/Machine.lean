import Grove.Expr
import Grove.Monoid

/-!
# A stack machine

Expressions are compiled to code in reverse Polish notation and run on a stack. The meaning of a
piece of code is an element of the monoid of transformations of stacks.

## Main results

* `meaning_append`: the meaning of code is multiplicative.
* `run_compile`: the compiler is correct.
* `compile_injective`: reverse Polish notation is uniquely readable.
-/

namespace Grove

/-- Instructions of the stack machine. -/
inductive Instr where
  /-- Push a literal. -/
  | push (n : Nat)
  /-- Push the value of a variable. -/
  | load (i : Nat)
  /-- Replace the two topmost numbers by their sum. -/
  | add
  /-- Replace the two topmost numbers by their product. -/
  | mul
  /-- Replace the two topmost numbers by their truncated difference. -/
  | sub
  deriving Repr, DecidableEq

/-- Code is a list of instructions. -/
abbrev Code := List Instr

/-- A stack of numbers, the topmost first. -/
abbrev Stack := List Nat

/-- Execute one instruction; on a stack that is too short the three operations do nothing. -/
@[simp, grind =] def Instr.step (ρ : Nat → Nat) : Instr → Stack → Stack
  | push n, s => n :: s
  | load i, s => ρ i :: s
  | add, n :: m :: s => (m + n) :: s
  | mul, n :: m :: s => (m * n) :: s
  | sub, n :: m :: s => (m - n) :: s
  | _, s => s

/-- Execute code on a stack. -/
@[simp, grind =] def run (ρ : Nat → Nat) : Code → Stack → Stack
  | [], s => s
  | i :: c, s => run ρ c (i.step ρ s)

/-- Put an expression, in reverse Polish notation, in front of the code that comes after it. -/
@[simp, grind =] def compile : Expr → Code → Code
  | .const n, rest => .push n :: rest
  | .var i, rest => .load i :: rest
  | .add a b, rest => compile a (compile b (.add :: rest))
  | .mul a b, rest => compile a (compile b (.mul :: rest))
  | .sub a b, rest => compile a (compile b (.sub :: rest))

/-- What code means: a transformation of stacks. -/
def meaning (ρ : Nat → Nat) (c : Code) : Endo Stack :=
  ⟨run ρ c⟩

section Run

variable (ρ : Nat → Nat)

theorem meaning_nil : meaning ρ [] = ε := rfl

/-- Code is executed from left to right. -/
theorem meaning_append (c d : Code) : meaning ρ (c ++ d) = meaning ρ c ⋄ meaning ρ d := by
  have h : ∀ s, run ρ (c ++ d) s = run ρ d (run ρ c s) := by
    induction c with
    | nil => exact fun s => rfl
    | cons i c ih => exact fun s => sorry
  exact Endo.ext (funext h)

/-- The code of an expression leaves its value on top of the stack. -/
theorem run_compile (e : Expr) (rest : Code) (s : Stack) :
    run ρ (compile e rest) s = run ρ rest (e.eval ρ :: s) := by
  induction e generalizing rest s with
  | const n => rfl
  | var i => rfl
  | add a b iha ihb => rw [compile, iha, ihb]; rfl
  | mul a b iha ihb => rw [compile, iha, ihb]; rfl
  | sub a b iha ihb => rw [compile, iha, ihb]; rfl

/-- Simplifying before compiling does not change what the code computes. -/
theorem run_compile_simplify (e : Expr) (s : Stack) :
    run ρ (compile e.simplify []) s = run ρ (compile e []) s := by
  sorry

end Run

theorem length_lt_length_compile (e : Expr) (rest : Code) :
    rest.length < (compile e rest).length := by
  induction e generalizing rest <;> grind

/-- Reverse Polish notation is uniquely readable: it needs no parentheses. -/
theorem compile_injective {a b : Expr} (h : compile a [] = compile b []) : a = b := by
  sorry

end Grove
