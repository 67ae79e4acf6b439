/** Not a failure: what the job builds on is still being made. The job goes back to the queue and asks again. */
export class NotYet extends Error {}
