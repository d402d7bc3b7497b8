//! 07: extracts to files.

super::codes! {
    EXTRACT_ROUTE "TAVS0701" Error "a route that no file comes to"
    "A file is rewritten by the first route of `[extract]` whose content types hold its form: lines (NDJSON), or documents. A route whose forms are all those of routes before it would never be used."
    bad "[extract]\nroutes = [\"appointments\", \"patients\"]   # both take documents"
    good "[extract]\nroutes = [\"appointments\"]"

    NOT_RELEASED "TAVS0702" Error "a column that nothing can stand in"
    "A table selects from what the rules of the extract's routes let out; nothing else can stand in it. No rule of theirs lets out what stands at this path, so that the column would be missing in every row (or, of `when`, the table would have none). Add a rule to the shape or route, or mend the path: it begins at the row, or, with `from = \"element\"`, at the element that rows are made of."
    bad "[[extract.table.column]]\nname = \"age\"\npath = \"$.burn\""
    good "[[extract.table.column]]\nname = \"age\"\npath = \"$.born\""

    COLUMN_TYPE "TAVS0703" Error "a column of another type than its rule makes"
    "A rule makes values of a certain kind, whatever comes: pseudonyms, months and masked names are texts, ages are numbers. Of another type the column would be missing in every row."
    bad "[[extract.table.column]]\nname = \"age\"\npath = \"$.born\"   # { generalise = \"age\" }\ntype = \"date\""
    good "[[extract.table.column]]\nname = \"age\"\npath = \"$.born\"   # { generalise = \"age\" }\ntype = \"integer\""

    WITHOUT_KEY "TAVS0704" Error "a table without a key"
    "The rows of a person are found by their pseudonym: tables are joined by it, sorted by it, and cleared by it when a later extract says which pseudonyms to delete. Each table has one column at least with `key = true`."
    bad "[[extract.table.column]]\nname = \"patient\"\nkey  = false"
    good "[[extract.table.column]]\nname = \"patient\"\nkey  = true"

    KEY_NOT_PSEUDONYM "TAVS0705" Error "a key that is no pseudonym"
    "A key column stands for a person in every table and in every refresh of the extract. Only a pseudonym does, one that stays the same (`linkability` is not `none`), and it is no quasi-identifier: every person has another."
    bad "[[extract.table.column]]\nname = \"patient\"\npath = \"$.klinik.navn\"   # \"keep\"\nkey  = true"
    good "[[extract.table.column]]\nname = \"patient\"\npath = \"$.patient.cpr\"   # \"pseudonymise\"\nkey  = true"

    LADDER "TAVS0706" Error "a quasi-identifier that cannot be made coarser"
    "Where `enforce = \"coarsen\"`, each quasi-identifier says how it becomes coarser, rung by rung, each coarser than the one before: `{ step = 5 }` for integers and numbers, `{ prefix = 3 }` for texts. A column that is no quasi-identifier has no ladder."
    bad "[[extract.table.column]]\nname = \"clinic\"\ntype    = \"text\"\ncoarsen = [{ step = 5 }]"
    good "[[extract.table.column]]\nname = \"clinic\"\ntype    = \"text\"\ncoarsen = [{ prefix = 3 }]"

    FREE_TEXT_COLUMN "TAVS0707" Warning "free text in an extract"
    "Whatever is searched for in free text, a person may be told by what is left: a rare event, a place, a relative's work. In a table for research each such column should be a code, a number or nothing."
    bad "[[extract.table.column]]\nname = \"note\"\npath = \"$.text\"   # { scan = [\"phone\"] }"
    good "[[extract.table.column]]\nname = \"note\"\npath = \"$.patient.navn\"   # { mask = \"first-word\" }"

    NO_QUASI_IDENTIFIER "TAVS0708" Warning "an extract without quasi-identifiers"
    "k is counted over the columns that others may know about a person (sex, year of birth, municipality, a date). With none, every row is taken for safe, and the report says that nothing was examined. A table that has none itself, beside one of persons that has, is no mistake."
    bad "[[extract.table.column]]\nname = \"age\"\nquasi-identifier = false\n\n[[extract.table.column]]\nname = \"clinic\"\nquasi-identifier = false"
    good "[[extract.table.column]]\nname = \"age\"\nquasi-identifier = true\n\n[[extract.table.column]]\nname = \"clinic\"\nquasi-identifier = true"
}
