// Stands before all else of a shader that multiplies packed bytes.

requires packed_4x8_integer_dot_product;
