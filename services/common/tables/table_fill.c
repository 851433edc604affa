/* What the makers of rows share. */
#include "services/common/tables/table_fill.h"

#include <inttypes.h>

#include "services/common/correlate/steps.h"
#include "services/common/mac/mac.h"

void table_put_be(struct buf *text, uint64_t value, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--)
        buf_add_char(text, (char)(value >> (8 * i)));
}

void table_put_token(struct buf *text, const struct fact_token *token)
{
    table_put_be(text, token->kind, 4);
    table_put_be(text, token->key_id, 4);
    buf_add(text, token->mac, FACT_MAC_BYTES);
}

void table_put_texts(struct table_fill *fill, struct db_params *params, size_t column,
                     const struct slice *texts, size_t count)
{
    struct buf *text = &fill->text;
    buf_reset(text);
    buf_add_char(text, '{');
    for (size_t i = 0; i < count; i++) {
        buf_add_str(text, i > 0 ? ",\"" : "\"");
        for (size_t k = 0; k < texts[i].size; k++) {
            char c = (char)texts[i].data[k];
            if (c == '"' || c == '\\')
                buf_add_char(text, '\\');
            buf_add_char(text, c);
        }
        buf_add_char(text, '"');
    }
    buf_add_char(text, '}');
    db_put_text(params, column, buf_slice(text));
}

void table_put_records(struct table_fill *fill, struct db_params *params, size_t column,
                       const size_t *effectives, size_t count)
{
    char id[UUID_TEXT_BYTES];
    buf_reset(&fill->text);
    buf_add_char(&fill->text, '{');
    for (size_t i = 0; i < count; i++) {
        uuid_format(derived_id(fill->d, effectives[i]), id);
        buf_addf(&fill->text, "%s%s", i > 0 ? "," : "", id);
    }
    buf_add_char(&fill->text, '}');
    db_put_text(params, column, buf_slice(&fill->text));
}

void table_put_numbers(struct table_fill *fill, struct db_params *params, size_t column,
                       const int64_t *numbers, size_t count)
{
    buf_reset(&fill->text);
    buf_add_char(&fill->text, '{');
    for (size_t i = 0; i < count; i++)
        buf_addf(&fill->text, "%s%" PRId64, i > 0 ? "," : "", numbers[i]);
    buf_add_char(&fill->text, '}');
    db_put_text(params, column, buf_slice(&fill->text));
}

void table_put_optional(struct db_params *params, size_t column, struct slice text)
{
    if (text.size == 0)
        db_put_null(params, column);
    else
        db_put_text(params, column, text);
}

struct uuid tables_hash(struct slice text)
{
    uint8_t digest[MAC_SHA256_BYTES];
    struct uuid id;
    mac_sha256(text, digest);
    memcpy(id.bytes, digest, UUID_BYTES);
    return id;
}
