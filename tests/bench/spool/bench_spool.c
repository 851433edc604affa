/* P4, P5, P9 of the spool alone, each beside its limit in the same run. Prints, asserts nothing.
   bench_spool [FOLDER]: on the disk of that folder. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "services/common/base/check.h"
#include "services/common/base/clock.h"
#include "services/common/base/limits.h"
#include "services/common/base/mem.h"
#include "services/common/spool/spool.h"

enum { VALUE_BYTES = 400, BATCH_MAX = 1000, STORED = 360000 };

static uint8_t bytes[BATCH_MAX][VALUE_BYTES];
static struct slice values[BATCH_MAX];
static int64_t times_us[200000];

static int64_t now_us(void)
{
    return clock_mono_us(clock_real());
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

struct figures {
    double per_s; /* values */
    int64_t p50_us, p99_us;
};

static struct figures figure(int commits, int batch, int64_t total_us)
{
    qsort(times_us, (size_t)commits, sizeof(times_us[0]), by_value);
    return (struct figures){
        .per_s = (double)commits * batch * 1e6 / (double)total_us,
        .p50_us = times_us[commits / 2],
        .p99_us = times_us[(int64_t)commits * 99 / 100],
    };
}

/* What the disk gives: the same bytes, one write and one fdatasync for a commit. */
static struct figures bare(const char *folder, int commits, int batch)
{
    char path[1024];
    snprintf(path, sizeof(path), "%s/bare", folder);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK(fd >= 0);
    int64_t start_us = now_us();
    for (int i = 0; i < commits; i++) {
        int64_t from_us = now_us();
        ssize_t size = (ssize_t)batch * VALUE_BYTES;
        CHECK(write(fd, bytes, (size_t)size) == size && fdatasync(fd) == 0);
        times_us[i] = now_us() - from_us;
    }
    struct figures result = figure(commits, batch, now_us() - start_us);
    close(fd);
    unlink(path);
    return result;
}

static struct figures append(struct spool *spool, int commits, int batch)
{
    int64_t start_us = now_us();
    for (int i = 0; i < commits; i++) {
        uint64_t first;
        struct err err;
        int64_t from_us = now_us();
        if (spool_append(spool, values, (size_t)batch, &first, &err) != RC_OK) {
            printf("%s\n", err.text);
            exit(1);
        }
        times_us[i] = now_us() - from_us;
    }
    return figure(commits, batch, now_us() - start_us);
}

static void compare(const char *folder, struct spool *spool, int commits, int batch)
{
    struct figures limit = bare(folder, commits, batch);
    struct figures ours = append(spool, commits, batch);
    struct figures again = bare(folder, commits, batch);
    printf("%4d a commit: bare %8.0f/s p50 %5lld us p99 %6lld us (after: %8.0f/s) | spool %8.0f/s"
           " p50 %5lld us p99 %6lld us | p50 ratio %.2f\n",
           batch, limit.per_s, (long long)limit.p50_us, (long long)limit.p99_us, again.per_s,
           ours.per_s, (long long)ours.p50_us, (long long)ours.p99_us,
           (double)ours.p50_us / (double)limit.p50_us);
}

static long resident_kib(const char *key)
{
    static char text[4096];
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    ssize_t size = read(fd, text, sizeof(text) - 1);
    close(fd);
    text[size > 0 ? size : 0] = '\0';
    const char *at = strstr(text, key);
    return at != NULL ? strtol(at + strlen(key), NULL, 10) : 0;
}

static void drain(struct spool *spool, size_t items_max)
{
    static struct spool_item items[4096];
    uint64_t after = 0, total = 0, sum = 0;
    size_t count;
    int64_t start_us = now_us();
    struct rusage before, later;
    getrusage(RUSAGE_SELF, &before);
    do {
        if (spool_read(spool, after, items, items_max, &count, NULL) != RC_OK)
            exit(1);
        for (size_t i = 0; i < count; i++)
            sum += items[i].value.size;
        total += count;
        after = count > 0 ? items[count - 1].sequence : after;
    } while (count > 0);
    int64_t us = now_us() - start_us;
    getrusage(RUSAGE_SELF, &later);
    double cpu_s = (double)(later.ru_utime.tv_sec - before.ru_utime.tv_sec) +
                   (double)(later.ru_stime.tv_sec - before.ru_stime.tv_sec) +
                   (double)(later.ru_utime.tv_usec - before.ru_utime.tv_usec) / 1e6 +
                   (double)(later.ru_stime.tv_usec - before.ru_stime.tv_usec) / 1e6;
    printf("drain by %4zu: %8.0f values/s, %6.1f MB/s, %.2f CPU-s per million\n", items_max,
           (double)total * 1e6 / (double)us, (double)sum / (double)us, cpu_s * 1e6 / (double)total);
}

static struct spool *open_spool(const char *dir)
{
    struct spool_config config = {
        .dir = dir,
        .segment_bytes_max = 64 * 1024 * 1024,
        .segment_age_us_max = CLOCK_US_PER_HOUR,
        .bytes_max = INT64_C(4) << 30,
        .replay_keep_us = 72 * CLOCK_US_PER_HOUR,
        .replay_bytes_max = INT64_C(1) << 30,
        .clock = clock_real(),
    };
    struct spool *spool;
    struct err err;
    int64_t start_us = now_us();
    if (spool_open(&config, &spool, &err) != RC_OK) {
        printf("%s\n", err.text);
        exit(1);
    }
    printf("opened in %lld us\n", (long long)(now_us() - start_us));
    return spool;
}

int main(int argc, char **argv)
{
    char folder[512], dir[600];
    snprintf(folder, sizeof(folder), "%s/bench-spool-XXXXXX", argc > 1 ? argv[1] : ".");
    CHECK(mkdtemp(folder) != NULL);
    snprintf(dir, sizeof(dir), "%s/spool", folder);
    for (int i = 0; i < BATCH_MAX; i++) {
        for (int j = 0; j < VALUE_BYTES; j++)
            bytes[i][j] = (uint8_t)(i * 31 + j * 7);
        values[i] = slice_of(bytes[i], VALUE_BYTES);
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("values of %d bytes, page %d, log %d pages\n", VALUE_BYTES, LIMIT_SPOOL_PAGE_BYTES,
           LIMIT_SPOOL_LOG_PAGES);
    struct spool *spool = open_spool(dir);
    compare(folder, spool, 3000, 1);
    compare(folder, spool, 2000, 32);
    compare(folder, spool, 200, 1000);
    append(spool, (STORED - 267000) / 1000, 1000);
    struct spool_stats stats;
    spool_stats(spool, &stats);
    printf("stored %llu in %llu segments, %lld bytes (%.2f of the values'); resident %ld KiB, of it"
           " anonymous %ld\n",
           (unsigned long long)stats.undelivered, (unsigned long long)stats.segments,
           (long long)stats.bytes, (double)stats.bytes / VALUE_BYTES / (double)stats.undelivered,
           resident_kib("VmRSS:"), resident_kib("RssAnon:"));
    spool_close(spool);
    spool = open_spool(dir);
    drain(spool, 100);
    drain(spool, 1000);
    drain(spool, 4096);
    printf("after draining: resident %ld KiB, of it anonymous %ld\n", resident_kib("VmRSS:"),
           resident_kib("RssAnon:"));
    if (spool_delivered(spool, stats.sequence_last, NULL) != RC_OK ||
        spool_tick(spool, NULL) != RC_OK)
        return 1;
    spool_close(spool);
    char command[700];
    for (uint64_t i = 1; i <= stats.sequence_last; i++) {
        snprintf(command, sizeof(command), "%s/%020llu.seg", dir, (unsigned long long)i);
        unlink(command);
    }
    snprintf(command, sizeof(command), "%s/mark", dir);
    unlink(command);
    rmdir(dir);
    rmdir(folder);
    return 0;
}
