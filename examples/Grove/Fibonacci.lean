import Grove.Arith
import Grove.Tree

/-!
# Fibonacci numbers and Fibonacci trees

Named after Léonard de Pise, called *Fibonacci* (« filius Bonacci »). We write `φ n` for the `n`-th
Fibonacci number, `Λ n` for the `n`-th Lucas number, and `τ n` for the `n`-th Fibonacci tree, the
sparsest balanced tree of its height.

## Main results

* `sumTo_φ`: the sum of the first `n` Fibonacci numbers is one less than `φ (n + 1)`.
* `Λ_succ`: Lucas numbers are sums of Fibonacci numbers.
* `leaves_τ`: Fibonacci trees are counted by Fibonacci numbers.
* `φ_gcd`: the Fibonacci numbers form a strong divisibility sequence.
-/

namespace Grove

open Nat (gcd)

/-- Fibonacci numbers: φ₀ = 0, φ₁ = 1, φₙ₊₂ = φₙ + φₙ₊₁. -/
@[simp, grind =] def φ : Nat → Nat
  | 0 => 0
  | 1 => 1
  | n + 2 => φ n + φ (n + 1)

/-- Lucas numbers (Édouard Lucas, 1878): the same rule, started with 2 and 1. -/
@[simp, grind =] def Λ : Nat → Nat
  | 0 => 2
  | 1 => 1
  | n + 2 => Λ n + Λ (n + 1)

/-- Fibonacci trees, each made of its two predecessors and labelled by its index. -/
@[simp, grind =] def τ : Nat → Tree Nat
  | 0 => .leaf
  | 1 => .leaf
  | n + 2 => .node (τ n) n (τ (n + 1))

/-- The defining rule, as it stands in the *Liber abaci* in our notation. -/
def règle : String := "φₙ₊₂ = φₙ + φₙ₊₁"

theorem règle_length : règle.length = 16 := by sorry

/-! ### Fibonacci numbers -/

theorem φ_ten : φ 10 = 55 := by decide

theorem φ_pos : ∀ n, 0 < φ (n + 1)
  | 0 => by decide
  | n + 1 => Nat.lt_of_lt_of_le (φ_pos n) (Nat.le_add_left _ _)

theorem φ_le_φ_succ : ∀ n, φ n ≤ φ (n + 1)
  | 0 => by decide
  | n + 1 => Nat.le_add_left _ _

/-- From the second one on, the Fibonacci numbers grow. -/
theorem φ_lt_φ_succ (n : Nat) (hn : 1 ≤ n) : φ n < φ (n + 1) := by
  sorry

theorem sumTo_φ (n : Nat) : sumTo φ n + 1 = φ (n + 1) := by
  induction n with
  | zero => rfl
  | succ n ih => rw [sumTo, φ, Nat.add_right_comm, ih, Nat.add_comm]

/-- The addition formula. -/
theorem φ_add (m n : Nat) : φ (m + n + 1) = φ m * φ n + φ (m + 1) * φ (n + 1) := by
  induction n generalizing m with
  | zero => simp
  | succ n ih =>
    rw [show m + (n + 1) + 1 = m + 1 + n + 1 by omega, ih (m + 1)]
    grind

/-- The Fibonacci numbers form a strong divisibility sequence. -/
theorem φ_gcd (m n : Nat) : φ (gcd m n) = gcd (φ m) (φ n) := by
  sorry

/-! ### Lucas numbers -/

theorem Λ_succ : ∀ n, Λ (n + 1) = φ n + φ (n + 2)
  | 0 => rfl
  | 1 => rfl
  | n + 2 => by
    have h₁ := Λ_succ n
    have h₂ := Λ_succ (n + 1)
    sorry

/-! ### Fibonacci trees -/

theorem leaves_τ : ∀ n, (τ (n + 1)).leaves = φ (n + 2)
  | 0 => rfl
  | 1 => rfl
  | n + 2 => by
    have h₁ := leaves_τ n
    have h₂ := leaves_τ (n + 1)
    grind

theorem height_τ : ∀ n, (τ (n + 1)).height = n
  | 0 => rfl
  | 1 => rfl
  | n + 2 => by
    rw [τ, Tree.height, height_τ n, height_τ (n + 1)]
    omega

theorem size_τ (n : Nat) : (τ (n + 1)).size = φ (n + 2) - 1 := by
  have h := Tree.leaves_eq (τ (n + 1))
  rw [leaves_τ] at h
  exact sorry

end Grove
