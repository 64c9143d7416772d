// Validates CycloneDX 1.6 documents strictly.
// usage: node cyclonedx-validate.cjs DIR FILE...   (DIR as for script/validators)
const fs = require("fs");
const path = require("path");
const [dir, ...files] = process.argv.slice(2);
const { Validation, Spec } = require(path.resolve(dir, "npm/node_modules/@cyclonedx/cyclonedx-library"));

(async () => {
  const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6);
  for (const file of files) {
    const wrong = await validator.validate(fs.readFileSync(file, "utf8"));
    if (wrong !== null) {
      console.log(file + ": " + JSON.stringify(wrong).slice(0, 2000));
      process.exitCode = 1;
    }
  }
})();
