/-!
# Sums, triangular numbers, parity, binary length

The arithmetic that the rest of the library counts with.

## Main definitions

* `sumTo f n`: the sum `f 0 + f 1 + ⋯ + f (n - 1)`.
* `triangle n`: the `n`-th triangular number `1 + 2 + ⋯ + n`.
* `isEven`, `isOdd`: parity, by mutual recursion.
* `bitLength n`: the number of binary digits of `n`.

## Main results

* `two_mul_triangle`: `2 * triangle n = n * (n + 1)`.
* `sumTo_cubes`: Nicomachus's theorem, the sum of the first `n` cubes is the square of `triangle n`.
-/

namespace Grove

/-- `sumTo f n` is the sum of the first `n` values of `f`, that is `f 0 + f 1 + ⋯ + f (n - 1)`. -/
@[simp, grind =] def sumTo (f : Nat → Nat) : Nat → Nat
  | 0 => 0
  | n + 1 => sumTo f n + f n

/-- The `n`-th triangular number, `1 + 2 + ⋯ + n`. -/
@[simp, grind =] def triangle : Nat → Nat
  | 0 => 0
  | n + 1 => triangle n + (n + 1)

/-! ### Sums -/

section Sums

variable (f g : Nat → Nat) (n : Nat)

theorem sumTo_one : sumTo f 1 = f 0 := by
  simp

/-- Summing is additive in the function. -/
theorem sumTo_add : sumTo (fun k => f k + g k) n = sumTo f n + sumTo g n := by
  induction n with
  | zero => sorry
  | succ n ih => sorry

/-- A constant function sums to a product. -/
theorem sumTo_const (c : Nat) : sumTo (fun _ => c) n = n * c :=
  step n
where
  /-- The statement with the number of terms as its only argument, for the induction. -/
  step (m : Nat) : sumTo (fun _ => c) m = m * c := by
    induction m with
    | zero => simp
    | succ m ih => sorry

/-- The last term of a sum can be split off. -/
theorem sumTo_pred : sumTo f (n - 1) + f (n - 1) = sumTo f n := by
  sorry

theorem sumTo_le_sumTo (h : ∀ k, f k ≤ g k) : sumTo f n ≤ sumTo g n := by
  induction n with
  | zero => exact Nat.le_refl 0
  | succ n ih =>
    have hn : f n ≤ g n := by sorry
    exact Nat.add_le_add ih hn

end Sums

/-! ### Triangular numbers -/

theorem triangle_four : triangle 4 = 10 := by sorry

theorem triangle_succ_sub (n : Nat) : triangle (n + 1) - triangle n = n + 1 := by
  simp

/-- Gauss's formula, without a division. -/
theorem two_mul_triangle (n : Nat) : 2 * triangle n = n * (n + 1) := by
  induction n with
  | zero => rfl
  | succ n ih => rw [triangle, Nat.mul_add, ih, ← Nat.add_mul, Nat.mul_comm]

/-- Triangular numbers are sums of consecutive numbers. -/
theorem sumTo_succ_eq_triangle (n : Nat) : sumTo (fun k => k + 1) n = triangle n := by
  induction n with
  | zero => rfl
  | succ n ih => rw [sumTo, ih, triangle]

/-- Two neighbouring triangular numbers add up to a square. -/
theorem triangle_add_triangle (n : Nat) : triangle n + triangle (n + 1) = (n + 1) * (n + 1) := by
  have h := two_mul_triangle n
  rw [triangle]
  grind

/-- **Nicomachus's theorem.** -/
theorem sumTo_cubes (n : Nat) : sumTo (fun k => (k + 1) ^ 3) n = triangle n ^ 2 := by
  induction n with
  | zero => rfl
  | succ n ih =>
    have h := two_mul_triangle n
    rw [sumTo, ih, triangle]
    grind

/-! ### Parity -/

mutual

/-- Whether a number is even, decided by counting down. -/
@[simp, grind =] def isEven : Nat → Bool
  | 0 => true
  | n + 1 => isOdd n

/-- Whether a number is odd, decided by counting down. -/
@[simp, grind =] def isOdd : Nat → Bool
  | 0 => false
  | n + 1 => isEven n

end

mutual

theorem isEven_iff : ∀ n, isEven n = true ↔ n % 2 = 0
  | 0 => by simp
  | n + 1 => by
    rw [isEven, isOdd_iff n]
    sorry

theorem isOdd_iff : ∀ n, isOdd n = true ↔ n % 2 = 1
  | 0 => sorry
  | n + 1 => by
    rw [isOdd, isEven_iff n]
    omega

end

theorem isOdd_eq_not_isEven (n : Nat) : isOdd n = !isEven n := by
  sorry

/-! ### Binary length -/

/-- The number of binary digits of `n`; zero has none. -/
def bitLength (n : Nat) : Nat :=
  if h : n = 0 then 0 else bitLength (n / 2) + 1
termination_by n
decreasing_by sorry

/-- A number with `k` binary digits is less than `2 ^ k`. -/
theorem lt_two_pow_bitLength (n : Nat) : n < 2 ^ bitLength n := by
  sorry

end Grove
