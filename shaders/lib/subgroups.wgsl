// Operations between the lanes of a subgroup. Results never depend on how many lanes it has. What steers them is the same in
// all lanes, which the compiler cannot see.

enable subgroups;
diagnostic(off, subgroup_uniformity);
