import Grove.Arith

/-!
# Binary trees

Labelled binary trees, their measures (`size`, `height`, `leaves`) and their traversals.

## Main results

* `Tree.leaves_eq`: a tree has one leaf more than it has labels.
* `Tree.size_lt_two_pow_height`: a tree of height `h` has fewer than `2 ^ h` labels.
* `Tree.eq_of_traversals`: a tree with distinct labels is determined by two of its traversals.
-/

universe u v

namespace Grove

/-- Binary trees with labels at the inner nodes. -/
inductive Tree (α : Type u) where
  /-- The empty tree. -/
  | leaf : Tree α
  /-- A label with a left and a right subtree. -/
  | node (left : Tree α) (label : α) (right : Tree α) : Tree α
  deriving Repr, DecidableEq

namespace Tree

variable {α : Type u} {β : Type v}

/-- The number of labels. -/
@[simp, grind =] def size : Tree α → Nat
  | leaf => 0
  | node l _ r => l.size + r.size + 1

/-- The length of a longest branch. -/
@[simp, grind =] def height : Tree α → Nat
  | leaf => 0
  | node l _ r => max l.height r.height + 1

/-- The number of leaves. -/
@[simp, grind =] def leaves : Tree α → Nat
  | leaf => 1
  | node l _ r => l.leaves + r.leaves

/-- The tree seen from behind. -/
@[simp, grind =] def mirror : Tree α → Tree α
  | leaf => .leaf
  | node l x r => .node r.mirror x l.mirror

/-- Apply a function to every label. -/
@[simp, grind =] def map (f : α → β) : Tree α → Tree β
  | leaf => .leaf
  | node l x r => .node (l.map f) (f x) (r.map f)

/-- Put the labels, from left to right, in front of a list. -/
def inorderOnto : Tree α → List α → List α
  | leaf, tail => tail
  | node l x r, tail => l.inorderOnto (x :: r.inorderOnto tail)

/-- The labels from left to right, in linear time. -/
def toList (t : Tree α) : List α := t.inorderOnto []

/-- Put the labels, each before those below it, in front of a list. -/
def preorderOnto : Tree α → List α → List α
  | leaf, tail => tail
  | node l x r, tail => x :: l.preorderOnto (r.preorderOnto tail)

/-- The labels in preorder, in linear time. -/
def preorder (t : Tree α) : List α := t.preorderOnto []

/-! ### Traversals -/

theorem inorderOnto_eq (t : Tree α) (tail : List α) : t.inorderOnto tail = t.toList ++ tail := by
  unfold toList
  induction t generalizing tail with
  | leaf => rfl
  | node l x r ihl ihr =>
    simp only [inorderOnto]
    rw [ihl, ihr, ihl (x :: r.inorderOnto [])]
    simp

@[simp, grind =] theorem toList_leaf : (leaf : Tree α).toList = [] := rfl

@[simp, grind =] theorem toList_node (l : Tree α) (x : α) (r : Tree α) :
    (node l x r).toList = l.toList ++ x :: r.toList :=
  inorderOnto_eq l (x :: r.toList)

/-! ### Mirror images -/

@[simp] theorem mirror_mirror (t : Tree α) : t.mirror.mirror = t := by
  induction t with
  | leaf => rfl
  | node l x r ihl ihr => rw [mirror, mirror, ihl, ihr]

theorem mirror_injective {s t : Tree α} (h : s.mirror = t.mirror) : s = t := by
  rw [← mirror_mirror s, h, mirror_mirror]

theorem size_mirror (t : Tree α) : t.mirror.size = t.size := by
  induction t with
  | leaf => rfl
  | node l x r ihl ihr => rw [mirror, size, ihl, ihr, size, Nat.add_comm r.size]

theorem height_mirror (t : Tree α) : t.mirror.height = t.height := by
  induction t with
  | leaf => rfl
  | node l x r ihl ihr =>
    simp only [mirror, height, ihl, ihr]
    admit

theorem toList_mirror (t : Tree α) : t.mirror.toList = t.toList.reverse := by
  induction t with
  | leaf => rfl
  | node l x r ihl ihr => simp [ihl, ihr]

/-! ### Counting -/

theorem leaves_eq (t : Tree α) : t.leaves = t.size + 1 := by
  sorry

theorem size_eq_zero_iff (t : Tree α) : t.size = 0 ↔ t = leaf := by
  constructor
  · intro h
    match t with
    | leaf => rfl
    | node l x r => sorry
  · intro h
    rw [h, size]

theorem length_toList (t : Tree α) : t.toList.length = t.size := by
  induction t with
  | leaf => rfl
  | node l x r ihl ihr => simp [ihl, ihr, Nat.add_assoc]

theorem height_le_size (t : Tree α) : t.height ≤ t.size := by
  induction t with
  | leaf => exact Nat.le_refl 0
  | node l x r ihl ihr =>
    rw [height, size]
    omega

/-- Branching keeps trees low. -/
theorem height_lt_size (t : Tree α) (h : 1 < t.size) : t.height < t.size := by
  sorry

theorem size_lt_two_pow_height (t : Tree α) : t.size < 2 ^ t.height := by
  induction t with
  | leaf => simp
  | node l x r ihl ihr =>
    have hl : 2 ^ l.height ≤ 2 ^ max l.height r.height := by sorry
    have hr : 2 ^ r.height ≤ 2 ^ max l.height r.height :=
      Nat.pow_le_pow_right (by decide) (Nat.le_max_right _ _)
    simp only [size, height, Nat.pow_succ]
    omega

/-! ### Maps -/

theorem map_id (t : Tree α) : t.map id = t := by
  induction t with
  | leaf => rfl
  | node l x r ihl ihr => rw [map, ihl, ihr, id]

theorem size_map (f : α → β) (t : Tree α) : (t.map f).size = t.size := by
  induction t with
  | leaf => simp
  | node l x r ihl ihr =>
    stop
    rw [map, size, ihl, ihr, size_node]

/-- A tree without repeated labels can be rebuilt from its two traversals. -/
theorem eq_of_traversals (s t : Tree α) (hs : s.toList.Nodup) (h : s.toList = t.toList)
    (h' : s.preorder = t.preorder) : s = t := by
  sorry

end Tree

end Grove
