import { base } from '../scripts/lint/base.mjs';

export default base(import.meta.dirname);
