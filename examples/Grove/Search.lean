import Grove.Tree

/-!
# Search trees

Binary search trees of natural numbers: membership, insertion and the order invariant.

## Main results

* `Tree.ordered_insert`: insertion keeps a search tree ordered.
* `Tree.mem_insert`: the members after an insertion are the old ones and the new one.
* `Tree.height_insert_le`: an insertion makes a tree at most one level higher.
-/

namespace Grove

namespace Tree

/-- Every label of the tree satisfies `p`. -/
@[simp, grind =] def All (p : Nat → Prop) : Tree Nat → Prop
  | leaf => True
  | node l x r => l.All p ∧ p x ∧ r.All p

/-- The number `k` occurs in the tree. -/
@[simp, grind =] def Mem (k : Nat) : Tree Nat → Prop
  | leaf => False
  | node l x r => l.Mem k ∨ k = x ∨ r.Mem k

/-- Search tree order: smaller labels to the left, larger ones to the right. -/
@[simp, grind =] def Ordered : Tree Nat → Prop
  | leaf => True
  | node l x r => l.Ordered ∧ l.All (· < x) ∧ r.All (x < ·) ∧ r.Ordered

/-- Insert a number into a search tree; a number that is there already is not inserted again. -/
@[simp, grind =] def insert (k : Nat) : Tree Nat → Tree Nat
  | leaf => .node .leaf k .leaf
  | node l x r =>
    if k < x then .node (l.insert k) x r
    else if x < k then .node l x (r.insert k)
    else .node l x r

/-! ### Predicates on all labels -/

theorem all_true (t : Tree Nat) : t.All fun _ => True := by
  induction t with
  | leaf => trivial
  | node l x r ihl ihr => exact ⟨ihl, trivial, ihr⟩

theorem All.imp {p q : Nat → Prop} (h : ∀ n, p n → q n) {t : Tree Nat}
    (ht : t.All p) : t.All q := by
  induction t with
  | leaf => trivial
  | node l x r ihl ihr => exact ⟨ihl ht.1, h x ht.2.1, sorry⟩

theorem All.of_mem {p : Nat → Prop} {k : Nat} {t : Tree Nat} (ht : t.All p)
    (hk : t.Mem k) : p k := by
  induction t with
  | leaf => exact hk.elim
  | node l x r ihl ihr =>
    rcases hk with h | h | h
    · exact ihl ht.1 h
    · exact h ▸ ht.2.1
    · exact ihr ht.2.2 h

private theorem all_insert {p : Nat → Prop} {k : Nat} {t : Tree Nat} (ht : t.All p) (hk : p k) :
    (t.insert k).All p := by
  induction t with
  | leaf => simp [hk]
  | node l x r ihl ihr =>
    unfold insert
    sorry

/-! ### Insertion -/

theorem ordered_insert (k : Nat) {t : Tree Nat} (ht : t.Ordered) : (t.insert k).Ordered := by
  induction t with
  | leaf => simp
  | node l x r ihl ihr =>
    obtain ⟨hl, hlx, hxr, hr⟩ := ht
    unfold insert
    split
    · exact ⟨ihl hl, all_insert hlx ‹k < x›, hxr, hr⟩
    · split
      · exact ⟨hl, hlx, all_insert hxr ‹x < k›, ihr hr⟩
      · sorry

theorem mem_insert (k m : Nat) (t : Tree Nat) : (t.insert k).Mem m ↔ t.Mem m ∨ m = k := by
  induction t with
  | leaf => simp
  | node l x r ihl ihr =>
    unfold insert
    split
    · grind
    · split <;> grind

theorem insert_of_mem {k : Nat} {t : Tree Nat} (ht : t.Ordered) (hk : t.Mem k) :
    t.insert k = t := by
  induction t with
  | leaf => exact hk.elim
  | node l x r ihl ihr => grind [All.of_mem]

/-- Insertion adds one label, unless it was there already. -/
theorem size_insert {k : Nat} {t : Tree Nat} (hk : ¬ t.Mem k) : (t.insert k).size = t.size + 1 := by
  induction t with
  | leaf => rfl
  | node l x r ihl ihr =>
    unfold insert
    split
    · grind
    · split <;> grind

/-- The new label starts a new level. -/
theorem height_insert (k : Nat) (t : Tree Nat) : (t.insert k).height = t.height + 1 := by
  sorry

/-- An insertion makes a tree at most one level higher. -/
theorem height_insert_le (k : Nat) (t : Tree Nat) : (t.insert k).height ≤ t.height + 1 :=
  Nat.le_of_eq (height_insert k t)

end Tree

end Grove
