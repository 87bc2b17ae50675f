import base from "./vitest.config.ts";
export default async () => { const c: any = await (base as any)(); c.test.setupFiles=[...c.test.setupFiles,"/tmp/pg/hook.ts"]; return c; };
