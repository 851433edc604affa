#ifndef KASUMORI_TABLES_TABLE_DESC_H
#define KASUMORI_TABLES_TABLE_DESC_H

#include "services/common/base/buf.h"
#include "services/common/tables/tables.h"

/* Private to this folder: the tables' columns, and what all statements are made of. In them t is
   the stored table and d the rows given, unnested from parameters 2 on; parameter 1 is the tenant,
   which is column 0 everywhere. */
struct table_column {
    const char *name;
    enum db_type type;      /* on the wire */
    const char *expression; /* over u, the unnested rows; NULL: u.name */
    int is_key;
};

struct table_desc {
    const char *name;
    const struct table_column *columns;
    size_t columns_count;
    int has_doubles; /* the makers may give a row twice */
    int is_sum;      /* what is no key is added up over records */
    const char *computed;
    const char *computed_by;
};

extern const struct table_desc table_descs[TABLE_COUNT];

enum { TABLE_KEYS = 1, TABLE_OTHERS = 2, TABLE_ALL = 3 };

/* The wanted columns, each after the prefix, divided by commas. */
void table_desc_list(const struct table_desc *desc, struct buf *sql, const char *prefix,
                     int wanted);
/* The rows given, with the wanted columns, as a from item named d. */
void table_desc_made(const struct table_desc *desc, struct buf *sql, int wanted);
void table_desc_same_key(const struct table_desc *desc, struct buf *sql);
/* Parameters for the tenant and the wanted columns; NULL: out of memory. */
struct db_params *table_desc_params(const struct table_desc *desc, int wanted, size_t bytes_max);

#endif
