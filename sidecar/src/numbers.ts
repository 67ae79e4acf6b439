/** Sums of fractions (0.1 + 0.2) end in digits that mean nothing; twelve are more than anybody measures or charges. Whole numbers stay as they are. */
export const withoutNoise = (amount: number): number => (Number.isInteger(amount) ? amount : Number(amount.toPrecision(12)));
