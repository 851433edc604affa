/* Any bytes through the CSV reader: it ends, moves on with each call, and gives fields that fit. */
#include <stddef.h>
#include <stdint.h>

#include "services/common/base/check.h"
#include "services/common/csv/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct csv csv;
    size_t before;
    csv_init(&csv, slice_of(data, size));
    do {
        struct csv_row row;
        before = csv.at;
        if (csv_next(&csv, &row, NULL) != RC_OK) {
            CHECK(csv.at > before);
            continue;
        }
        CHECK(row.count <= LIMIT_CSV_FIELDS);
        for (size_t i = 0; i < row.count; i++)
            CHECK(row.fields[i].data[row.fields[i].size] == '\0');
        if (row.count == 0)
            break;
        CHECK(csv.at > before);
    } while (1);
    CHECK(csv.at == size);
    return 0;
}
