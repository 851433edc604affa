/* What can be wrong, once. Invariant: a code never changes its meaning; programs compare codes,
   people read titles. */
#include "services/monitor/problem.h"

#include <string.h>

#include "services/common/base/jsontext.h"

struct title {
    const char *code;
    const char *en;
    const char *ja;
};

static const struct title INTERNAL = {"internal", "Something went wrong here",
                                      "システムの内部でエラーが起きました"};

static const struct title TITLES[] = {
    {"unauthenticated", "Please sign in", "サインインしてください"},
    {"wrong_password", "Account or password is wrong", "アカウントまたはパスワードが違います"},
    {"too_many_attempts", "Too many attempts; please wait",
     "試行回数が多すぎます。しばらくお待ちください"},
    {"forbidden", "Your role does not allow this", "この操作の権限がありません"},
    {"cross_site", "The request did not come from this page",
     "このページ以外からの要求は受け付けません"},
    {"party", "You are a party to this record", "この記録の当事者は判定できません"},
    {"same_person", "Another person must agree", "二人目の承認者が必要です"},
    {"not_found", "There is nothing like that here", "該当するものがありません"},
    {"bad_request", "The request is malformed", "要求の形式が正しくありません"},
    {"bad_method", "This cannot be done with it", "この操作はできません"},
    {"bad_parameter", "A parameter is wrong", "指定に誤りがあります"},
    {"bad_cursor", "The cursor is not one of ours", "続きを表す値が正しくありません"},
    {"bad_json", "The body is not the JSON wanted", "本文のJSONが正しくありません"},
    {"bad_type", "The body must be application/json",
     "本文は application/json でなければなりません"},
    {"bad_member", "A member of the body is wrong", "本文の項目に誤りがあります"},
    {"purpose_missing", "Say why you look", "照会理由を入力してください"},
    {"inert", "The decision would mean nothing", "この決定は現在の事実のもとで意味を持ちません"},
    {"pending", "Not yet processed; please try again", "まだ処理中です。もう一度お試しください"},
    {"closed", "It is closed already", "すでに終了しています"},
    {"stale", "It has changed since you looked", "表示後に内容が変わりました"},
    {"key_reused", "The Idempotency-Key belongs to another request",
     "Idempotency-Key は別の要求で使われています"},
    {"too_large", "It is too large", "大きすぎます"},
    {"busy", "Busy; please try again", "混み合っています。もう一度お試しください"},
    {"database_away", "The database is away; trying again",
     "データベースに接続できません。自動的に再試行します"},
};

static const struct title *title_find(const char *code)
{
    for (size_t i = 0; i < sizeof(TITLES) / sizeof(TITLES[0]); i++)
        if (strcmp(TITLES[i].code, code) == 0)
            return &TITLES[i];
    return &INTERNAL;
}

int problem_is_code(const char *code)
{
    return strcmp(title_find(code)->code, code) == 0;
}

static void put(struct buf *out, const char *key, const char *text)
{
    buf_addf(out, "%s\"%s\":", out->data[out->size - 1] == '{' ? "" : ",", key);
    jsontext_add(out, slice_str(text));
}

void problem_write(const struct problem *problem, int is_japanese, struct buf *out)
{
    const struct title *title = title_find(problem->code);
    buf_addf(out, "{\"type\":\"about:blank\",\"status\":%d", problem->status);
    if (out->is_failed)
        return;
    put(out, "code", title->code);
    put(out, "title", is_japanese ? title->ja : title->en);
    buf_add_str(out, ",\"titles\":{");
    put(out, "ja", title->ja);
    put(out, "en", title->en);
    buf_add_char(out, '}');
    if (problem->detail != NULL)
        put(out, "detail", problem->detail);
    if (problem->place != NULL)
        put(out, "place", problem->place);
    buf_add_str(out, "}\n");
}

static const char *refusal_code(int status)
{
    switch (status) {
    case 401:
        return "unauthenticated";
    case 404:
        return "not_found";
    case 405:
        return "bad_method";
    case 413:
    case 414:
    case 431:
        return "too_large";
    case 429:
    case 503:
        return "busy";
    default:
        return status < 500 || status == 501 || status == 505 ? "bad_request" : "internal";
    }
}

void problem_write_refusal(struct buf *out, int status, const char *title, const char *detail)
{
    const struct problem problem = {
        .status = status, .code = refusal_code(status), .detail = detail};
    (void)title;
    problem_write(&problem, 1, out);
}
