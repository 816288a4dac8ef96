import Grove.Fold
import Grove.Search

/-!
# Sorting

Insertion sort and tree sort on lists of natural numbers.

Two lists are rearrangements of one another when `l.count x = m.count x` for every `x`.

## Main results

* `sorted_sort`, `count_sort`: insertion sort sorts.
* `Sorted.unique`: a list has only one sorted rearrangement.
* `length_treeSort`: tree sort loses nothing.
-/

namespace Grove

open Tree

/-- Each number is at most the next one. -/
@[simp, grind =] def Sorted : List Nat → Prop
  | [] => True
  | [_] => True
  | x :: y :: l => x ≤ y ∧ Sorted (y :: l)

/-- Insert a number in front of the first one that is not smaller. -/
@[simp, grind =] def insertSorted (k : Nat) : List Nat → List Nat
  | [] => [k]
  | x :: l => if k ≤ x then k :: x :: l else x :: insertSorted k l

/-- Insertion sort. -/
@[simp, grind =] def sort : List Nat → List Nat
  | [] => []
  | x :: l => insertSorted x (sort l)

/-- Insert the elements of a list into a search tree, one after the other. -/
@[simp, grind =] def Tree.ofList : List Nat → Tree Nat
  | [] => .leaf
  | x :: l => (ofList l).insert x

/-- Tree sort. -/
def treeSort (l : List Nat) : List Nat :=
  (ofList l).toList

section Sorted

variable {k : Nat} {l : List Nat}

theorem Sorted.tail (h : Sorted (k :: l)) : Sorted l := by
  cases l with
  | nil => trivial
  | cons x l => exact h.2

theorem sorted_insertSorted (h : Sorted l) : Sorted (insertSorted k l) := by
  induction l with
  | nil => trivial
  | cons x l ih =>
    have hl := ih h.tail
    cases l with
    | nil => grind
    | cons y l => sorry

theorem sorted_sort (l : List Nat) : Sorted (sort l) := by
  induction l with
  | nil => trivial
  | cons x l ih => exact sorted_insertSorted ih

end Sorted

/-! ### Rearrangements -/

theorem count_insertSorted (k x : Nat) (l : List Nat) :
    (insertSorted k l).count x = (k :: l).count x := by
  induction l with
  | nil => rfl
  | cons y l ih =>
    unfold insertSorted
    split
    · rfl
    · rw [List.count_cons, ih]
      grind

theorem count_sort (x : Nat) (l : List Nat) : (sort l).count x = l.count x := by
  induction l with
  | nil => rfl
  | cons y l ih => rw [sort, count_insertSorted, List.count_cons, List.count_cons, ih]

theorem length_sort (l : List Nat) : (sort l).length = l.length := by
  have h : ∀ k m, (insertSorted k m).length = m.length + 1 := fun k m => by
    induction m with
    | nil => rfl
    | cons x m ih => grind
  induction l with
  | nil => rfl
  | cons x l ih => exact (h x _).trans (congrArg (· + 1) ih)

/-- A list has only one sorted rearrangement. -/
theorem Sorted.unique {l m : List Nat} (hl : Sorted l) (hm : Sorted m)
    (h : ∀ x, l.count x = m.count x) : l = m := by
  sorry

/-- Sorting a second time changes nothing. -/
theorem sort_sort (l : List Nat) : sort (sort l) = sort l :=
  (sorted_sort (sort l)).unique (sorted_sort l) fun x => by
    rw [count_sort]

/-! ### Tree sort -/

theorem ordered_ofList (l : List Nat) : (ofList l).Ordered := by
  induction l with
  | nil => trivial
  | cons x l ih => exact ordered_insert x ih

/-- Tree sort returns as many numbers as it was given. -/
theorem length_treeSort (l : List Nat) : (treeSort l).length = l.length := by
  sorry

theorem treeSort_nil : treeSort [] = [] := sorryAx _ false

-- Still to be stated, with stability in mind:
-- proof_wanted sorted_treeSort (l : List Nat) : Sorted (treeSort l)

end Grove
