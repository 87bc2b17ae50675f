// Every kernel there is; tests and runners walk this list.

import { reach } from "./reach.ts";

export const kernels = { reach } as const;
