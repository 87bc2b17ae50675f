/** Whether Vite built the page, instead of serving it for development (scripts/offline.ts). */
declare const IS_BUILT: boolean;
