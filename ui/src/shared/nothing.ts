/** Stands in for parts of libraries that are never used, so that they are not shipped. */
export default null;
