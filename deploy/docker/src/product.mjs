// @ts-check

/** What the image is made of, besides what these need; `all-in-one` needs every service. */
export const PRODUCT = Object.freeze(['services/all-in-one', 'services/cli']);
