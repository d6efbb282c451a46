/* Bare reference loops: the least a backtest of these workloads can cost on this machine.
 *
 * No order pool, no account, no options: the rule, the fills and the ledger of each workload written straight into
 * one loop. The figures of every contestant are given as ratios of the time of these loops. The arithmetic follows the
 * order of operations that the peers use, so equity agrees to the last bits and trade lists are equal.
 *
 * Prices are float64; matrices are (n_bars, n_assets) row-major; outputs go into buffers of the caller.
 */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { OPEN_AT_END = 0, SIGNAL = 1, STOP = 2, TARGET = 3, TRAIL = 4 };

typedef struct {
    int64_t entry, exit; /* bar numbers */
    double entry_price, exit_price, size;
    int64_t reason;
} trade_t;

typedef struct {
    double fee, slip, cash;
} costs_t;

/* ---------------------------------------------------------------- W1: SMA cross, next open, all in, all out */

/* Returns the number of trades, the last one possibly open. */
int64_t w1(int64_t n, const double *open, const double *close, int64_t fast, int64_t slow, costs_t k, trade_t *trades,
           double *final_equity)
{
    double cash = k.cash, position = 0.0, fast_sum = 0.0, slow_sum = 0.0;
    int64_t count = 0, i = slow - 1;
    for (int64_t j = 0; j < slow; j++) slow_sum += close[j];
    for (int64_t j = slow - fast; j < slow; j++) fast_sum += close[j];
    const double f = (double)fast, s = (double)slow;
    int above = fast_sum * s > slow_sum * f;
    for (;;) {
        int now = above;
        while (++i < n) {
            /* one addition a bar on the critical path */
            fast_sum += close[i] - close[i - fast];
            slow_sum += close[i] - close[i - slow];
            now = fast_sum * s > slow_sum * f;
            if (now != above) break;
        }
        if (i >= n - 1) break; /* a signal at the last close never trades */
        above = now;
        if (now) {
            double price = open[i + 1] * (1.0 + k.slip);
            position = cash / (1.0 + k.fee) / price;
            cash = 0.0;
            trades[count] = (trade_t){i + 1, n - 1, price, close[n - 1], position, OPEN_AT_END};
        } else if (position > 0.0) {
            double price = open[i + 1] * (1.0 - k.slip), gross = position * price;
            cash = gross - gross * k.fee;
            position = 0.0;
            trades[count].exit = i + 1;
            trades[count].exit_price = price;
            trades[count++].reason = SIGNAL;
        }
    }
    *final_equity = cash + position * close[n - 1];
    return count + (position > 0.0);
}

/* The curve of bar closes that belongs to a trade list. */
void curve_of(int64_t n, const double *close, costs_t k, int64_t count, const trade_t *trades, double *curve)
{
    double cash = k.cash;
    int64_t i = 0;
    for (int64_t t = 0; t < count; t++) {
        const trade_t *trade = trades + t;
        for (; i < trade->entry; i++) curve[i] = cash;
        const int64_t end = trade->reason == OPEN_AT_END ? n : trade->exit;
        for (; i < end; i++) curve[i] = trade->size * close[i];
        double gross = trade->size * trade->exit_price;
        cash = gross - gross * k.fee;
    }
    for (; i < n; i++) curve[i] = cash;
}

/* Statistics of a curve in one pass: out = {max drawdown, mean return, standard deviation of returns (ddof 1)}. */
void curve_statistics(int64_t n, const double *curve, double initial, double *out)
{
    double peak = initial, ratio = 1.0, sum = 0.0, squares = 0.0, previous = initial;
    for (int64_t i = 0; i < n; i++) {
        double value = curve[i];
        double r = value / previous - 1.0;
        sum += r;
        squares += r * r;
        if (value > peak) peak = value;
        if (value < ratio * peak) ratio = value / peak;
        previous = value;
    }
    double mean = sum / (double)n;
    out[0] = ratio - 1.0;
    out[1] = mean;
    out[2] = sqrt((squares - sum * mean) / (double)(n - 1));
}

/* ---------------------------------------------------------------- W2: sweep of SMA pairs */

typedef struct {
    double equity, drawdown, sharpe; /* drawdown <= 0; Sharpe per period, not annualised */
    int64_t trades;                  /* closed ones */
} metrics_t;

/* One pair after another with nothing shared between them, as for a rule that is not known beforehand. */
void w2_scalar(int64_t n, const double *open, const double *close, int64_t pairs, const int64_t *fast,
               const int64_t *slow, costs_t k, metrics_t *out)
{
    for (int64_t p = 0; p < pairs; p++) {
        const int64_t f = fast[p], s = slow[p];
        const double fs = (double)s, ss = (double)f;
        double cash = k.cash, position = 0.0, equity = k.cash, peak = k.cash, ratio = 1.0, sum = 0.0, squares = 0.0;
        double fast_sum = 0.0, slow_sum = 0.0;
        int64_t count = 0;
        int want = 0;
        for (int64_t i = 0; i < s; i++) slow_sum += close[i];
        for (int64_t i = s - f; i < s; i++) fast_sum += close[i];
        int above = fast_sum * fs > slow_sum * ss;
        for (int64_t i = s; i < n; i++) {
            const double before = equity;
            if (__builtin_expect(want != 0, 0)) {
                if (want > 0) {
                    position = cash / (1.0 + k.fee) / (open[i] * (1.0 + k.slip));
                    cash = 0.0;
                } else {
                    double gross = position * (open[i] * (1.0 - k.slip));
                    cash = gross - gross * k.fee;
                    position = 0.0;
                    count++;
                }
                want = 0;
            }
            equity = cash + position * close[i];
            const double r = equity / before - 1.0;
            sum += r;
            squares += r * r;
            peak = equity > peak ? equity : peak;
            if (equity < ratio * peak) ratio = equity / peak;
            fast_sum += close[i] - close[i - f];
            slow_sum += close[i] - close[i - s];
            int now = fast_sum * fs > slow_sum * ss;
            if (now != above) {
                want = now ? (position == 0.0) : -(position > 0.0);
                above = now;
            }
        }
        const double mean = sum / (double)n, variance = (squares - sum * mean) / (double)(n - 1);
        out[p] = (metrics_t){equity, ratio - 1.0, variance > 0.0 ? mean / sqrt(variance) : NAN, count};
    }
}

/* Eight pairs in one vector. A bar is one of four growth factors (flat, held, bought at the open, sold at the open), the
 * same for every lane, so a lane only chooses; the running ratio to the peak replaces the division of the drawdown. The
 * averages of the distinct windows are laid out bar by bar, so that eight neighbouring windows are one load. */
#define LANES 8
typedef double vf __attribute__((vector_size(LANES * 8)));
typedef double vu __attribute__((vector_size(LANES * 8), aligned(8), may_alias));
typedef int64_t vi __attribute__((vector_size(LANES * 8)));

static inline vf splat(double x) { return (vf){} + x; }

#ifdef __AVX512F__
#include <immintrin.h>
typedef __mmask8 vm;
#define NONE 0
static inline vf choose(vm m, vf a, vf b) { return (vf)_mm512_mask_blend_pd(m, (__m512d)b, (__m512d)a); }
static inline vm greater(vf a, vf b) { return _mm512_cmp_pd_mask((__m512d)a, (__m512d)b, _CMP_GT_OQ); }
static inline vf smaller(vf a, vf b) { return (vf)_mm512_min_pd((__m512d)a, (__m512d)b); }
static inline vi plus_one(vi n, vm m) { return (vi)_mm512_mask_add_epi64((__m512i)n, m, (__m512i)n, _mm512_set1_epi64(1)); }
#else
typedef vi vm;
#define NONE {}
static inline vf choose(vm m, vf a, vf b) { return (vf)(((vi)a & m) | ((vi)b & ~m)); }
static inline vm greater(vf a, vf b) { return a > b; }
static inline vf smaller(vf a, vf b) { return choose(a < b, a, b); }
static inline vi plus_one(vi n, vm m) { return n - m; }
#endif

/* Column of window `w` in the table of averages; a new column if it is not there yet. */
static int64_t column_of(int64_t w, int64_t *windows, int64_t *count)
{
    for (int64_t j = *count - 1; j >= 0; j--)
        if (windows[j] == w) return j;
    windows[*count] = w;
    return (*count)++;
}

void w2_lanes(int64_t n, const double *open, const double *close, int64_t pairs, const int64_t *fast,
              const int64_t *slow, costs_t k, metrics_t *out)
{
    int64_t *columns = malloc((size_t)pairs * 4 * sizeof(int64_t));
    int64_t *fast_column = columns, *slow_column = columns + pairs, *windows = columns + 2 * pairs, width = 0;
    for (int64_t p = 0; p < pairs; p++) slow_column[p] = column_of(slow[p], windows, &width);
    for (int64_t p = 0; p < pairs; p++) fast_column[p] = column_of(fast[p], windows, &width);
    const int64_t stride = width + LANES;
    double *table = malloc((size_t)(n * stride) * sizeof(double));
    double *prefix = malloc((size_t)(n + 1) * sizeof(double));
    double *growth = malloc((size_t)n * 3 * sizeof(double));
    prefix[0] = 0.0;
    for (int64_t i = 0; i < n; i++) {
        prefix[i + 1] = prefix[i] + close[i];
        growth[3 * i] = i ? close[i] / close[i - 1] : 1.0;
        growth[3 * i + 1] = close[i] / ((1.0 + k.fee) * (open[i] * (1.0 + k.slip)));
        growth[3 * i + 2] = i ? open[i] * (1.0 - k.slip) * (1.0 - k.fee) / close[i - 1] : 1.0;
        for (int64_t j = 0; j < width; j++)
            table[i * stride + j] = i + 1 < windows[j] ? NAN : (prefix[i + 1] - prefix[i + 1 - windows[j]]) / (double)windows[j];
        for (int64_t j = width; j < stride; j++) table[i * stride + j] = NAN;
    }
    const vf one = splat(1.0);
    for (int64_t p = 0; p < pairs; p += LANES) {
        int64_t f[LANES], s[LANES], first = n, neighbours = 1;
        for (int lane = 0; lane < LANES; lane++) {
            int64_t q = p + lane < pairs ? p + lane : pairs - 1;
            f[lane] = fast_column[q];
            s[lane] = slow_column[q];
            neighbours &= f[lane] == f[0] && s[lane] == s[0] + lane;
            if (slow[q] < first) first = slow[q];
        }
        vf equity = splat(k.cash), ratio = one, worst = one, sum = {}, squares = {};
        vi count = {};
        vm held = NONE, enter = NONE, leave = NONE, above = NONE, below = NONE;
        for (int64_t i = first - 1; i < n; i++) {
            const double *row = table + i * stride;
            vf fast_mean, slow_mean;
            if (neighbours) {
                fast_mean = splat(row[f[0]]);
                slow_mean = *(const vu *)(row + s[0]);
            } else {
                for (int lane = 0; lane < LANES; lane++) {
                    fast_mean[lane] = row[f[lane]];
                    slow_mean[lane] = row[s[lane]];
                }
            }
            vf g = choose(held, splat(growth[3 * i]), one);
            g = choose(enter, splat(growth[3 * i + 1]), g);
            g = choose(leave, splat(growth[3 * i + 2]), g);
            held = (held | enter) & ~leave;
            count = plus_one(count, leave);
            equity *= g;
            vf r = g - one;
            sum += r;
            squares += r * r;
            ratio = smaller(ratio * g, one);
            worst = smaller(worst, ratio);
            vm over = greater(fast_mean, slow_mean), under = greater(slow_mean, fast_mean);
            enter = over & below & ~held;
            leave = under & above & held;
            above = over;
            below = under;
        }
        for (int lane = 0; lane < LANES && p + lane < pairs; lane++) {
            double mean = sum[lane] / (double)n;
            double variance = (squares[lane] - sum[lane] * mean) / (double)(n - 1);
            out[p + lane] = (metrics_t){equity[lane], worst[lane] - 1.0, variance > 0.0 ? mean / sqrt(variance) : NAN,
                                        count[lane]};
        }
    }
    free(columns);
    free(table);
    free(prefix);
    free(growth);
}

/* ---------------------------------------------------------------- W3: momentum portfolio, shared cash */

typedef struct {
    int64_t bar, asset;
    double size, price, fee; /* size signed */
} order_t;

static int is_close(double a, double b)
{
    double difference = fabs(a - b), x = fabs(a), y = fabs(b);
    double tolerance = 1e-9 * (x > y ? x : y);
    return difference <= (tolerance > 1e-12 ? tolerance : 1e-12);
}

/* The `top` largest momenta of one row; ties go to the lower column. A sorted list kept by insertion. */
static void rank_row(const double *momentum, int64_t assets, int64_t top, double weight, double *target)
{
    int64_t best[1024];
    int64_t held = 0;
    for (int64_t a = 0; a < assets; a++) {
        target[a] = 0.0;
        if (held == top && !(momentum[a] > momentum[best[held - 1]])) continue;
        int64_t at = held < top ? held++ : held - 1;
        while (at > 0 && momentum[best[at - 1]] < momentum[a]) {
            best[at] = best[at - 1];
            at--;
        }
        best[at] = a;
    }
    for (int64_t r = 0; r < held; r++) target[best[r]] = weight;
}

/* Momentum of every row as an array of its own (as every indicator is), the rebalances, and the curve of bar closes. */
int64_t w3(int64_t n, int64_t assets, const double *open, const double *close, int64_t every, int64_t long_lag,
           int64_t short_lag, int64_t top, costs_t k, double *momentum, order_t *orders, double *curve)
{
    for (int64_t i = long_lag; i < n; i++) {
        const double *recent = close + (i - short_lag) * assets, *old = close + (i - long_lag) * assets;
        double *row = momentum + i * assets;
        for (int64_t a = 0; a < assets; a++) row[a] = recent[a] / old[a] - 1.0;
    }
    double position[1024] = {0}, target[1024], value_of[1024];
    int64_t column[1024];
    double cash = k.cash;
    int64_t count = 0;
    for (int64_t i = 0; i < n; i++) {
        int64_t decided = i - 1;
        if (decided >= long_lag && (decided - long_lag) % every == 0) {
            const double *price = open + i * assets;
            rank_row(momentum + decided * assets, assets, top, 1.0 / (double)top, target);
            double value = cash;
            for (int64_t a = 0; a < assets; a++)
                if (position[a] != 0.0) value += position[a] * price[a];
            int64_t m = 0;
            for (int64_t a = 0; a < assets; a++) {
                if (position[a] == 0.0 && target[a] == 0.0) continue;
                double v = target[a] * value - position[a] * price[a];
                int64_t at = m++;
                while (at > 0 && value_of[at - 1] > v) {
                    value_of[at] = value_of[at - 1];
                    column[at] = column[at - 1];
                    at--;
                }
                value_of[at] = v;
                column[at] = a;
            }
            for (int64_t j = 0; j < m; j++) {
                int64_t a = column[j];
                double size = target[a] * value / price[a] - position[a];
                if (is_close(size, 0.0)) continue;
                if (size < 0.0) {
                    double gross = -size * price[a], fee = gross * k.fee;
                    cash += gross - fee;
                    position[a] = is_close(position[a], -size) ? 0.0 : position[a] + size;
                    orders[count++] = (order_t){i, a, size, price[a], fee};
                } else if (cash > 0.0) {
                    double gross = size * price[a], fee = gross * k.fee, total = gross + fee;
                    if (total < cash || is_close(total, cash)) {
                        cash = is_close(total, cash) ? 0.0 : cash - total;
                    } else {
                        double spend = cash / (1.0 + k.fee);
                        size = spend / price[a];
                        fee = cash - spend;
                        cash = 0.0;
                    }
                    position[a] += size;
                    orders[count++] = (order_t){i, a, size, price[a], fee};
                }
            }
        }
        double value = 0.0;
        const double *price = close + i * assets;
        for (int64_t a = 0; a < assets; a++) value += position[a] * price[a];
        curve[i] = cash + value;
    }
    return count;
}

/* ---------------------------------------------------------------- W4: stop, target and trailing stop at once */

/* A long position's bar: gap at the open, then the low, then the high, then the close against the risen trail. */
int64_t w4(int64_t n, const double *open, const double *high, const double *low, const double *close,
           const uint8_t *signal, double stop, double target, double trail, costs_t k, trade_t *trades,
           double *final_equity)
{
    const double stop_factor = 1.0 - stop, target_factor = 1.0 + target, trail_factor = 1.0 - trail;
    double cash = k.cash;
    int64_t count = 0, i = 0;
    while (i < n - 1) {
        while (i < n - 1 && !signal[i]) i++;
        if (i >= n - 1) break;
        i++; /* the bar of the entry */
        const double entry = open[i], floor = entry * stop_factor, ceiling = entry * target_factor;
        const double size = cash / (1.0 + k.fee) / entry;
        const int64_t bought = i;
        double peak = entry, level = floor > peak * trail_factor ? floor : peak * trail_factor, price = 0.0;
        int64_t reason = OPEN_AT_END;
        for (; i < n; i++) {
            if (i > bought) {
                double o = open[i];
                if (o <= level) {
                    price = o;
                    reason = peak * trail_factor > floor ? TRAIL : STOP;
                    break;
                }
                if (o >= ceiling) {
                    price = o;
                    reason = TARGET;
                    break;
                }
                if (o > peak) {
                    peak = o;
                    level = floor > peak * trail_factor ? floor : peak * trail_factor;
                }
            }
            if (low[i] <= level) {
                price = level;
                reason = peak * trail_factor > floor ? TRAIL : STOP;
                break;
            }
            if (high[i] >= ceiling) {
                price = ceiling;
                reason = TARGET;
                break;
            }
            peak = high[i] > peak ? high[i] : peak;
            level = floor > peak * trail_factor ? floor : peak * trail_factor;
            if (close[i] <= level) {
                price = level;
                reason = peak * trail_factor > floor ? TRAIL : STOP;
                break;
            }
        }
        if (reason == OPEN_AT_END) {
            trades[count++] = (trade_t){bought, n - 1, entry, close[n - 1], size, OPEN_AT_END};
            *final_equity = size * close[n - 1];
            return count;
        }
        double gross = size * price;
        cash = gross - gross * k.fee;
        trades[count++] = (trade_t){bought, i, entry, price, size, reason};
        /* `i` stays: a signal at the close of this bar may enter at the next open */
    }
    *final_equity = cash;
    return count;
}

/* ---------------------------------------------------------------- W5: the rule of W1 behind a function pointer */

typedef struct {
    int64_t bar;
    const double *close;
    double position, fast_sum, slow_sum;
    int64_t fast, slow;
    int above, order;
} context_t;

__attribute__((noinline)) static void on_bar(context_t *c)
{
    int64_t i = c->bar;
    c->fast_sum += c->close[i] - (i >= c->fast ? c->close[i - c->fast] : 0.0);
    c->slow_sum += c->close[i] - (i >= c->slow ? c->close[i - c->slow] : 0.0);
    if (i < c->slow - 1) return;
    int now = c->fast_sum * (double)c->slow > c->slow_sum * (double)c->fast;
    if (c->above >= 0 && now != c->above) c->order = now ? (c->position == 0.0) : -(c->position > 0.0);
    c->above = now;
}

int64_t w5(int64_t n, const double *open, const double *close, int64_t fast, int64_t slow, costs_t k, trade_t *trades,
           double *final_equity)
{
    void (*volatile call)(context_t *) = on_bar; /* volatile: the call must stay indirect */
    context_t c = {.close = close, .fast = fast, .slow = slow, .above = -1};
    double cash = k.cash;
    int64_t count = 0;
    for (int64_t i = 0; i < n; i++) {
        if (c.order > 0) {
            double price = open[i] * (1.0 + k.slip);
            c.position = cash / (1.0 + k.fee) / price;
            cash = 0.0;
            trades[count] = (trade_t){i, -1, price, 0.0, c.position, OPEN_AT_END};
        } else if (c.order < 0) {
            double price = open[i] * (1.0 - k.slip), gross = c.position * price;
            cash = gross - gross * k.fee;
            c.position = 0.0;
            trades[count].exit = i;
            trades[count].exit_price = price;
            trades[count++].reason = SIGNAL;
        }
        c.order = 0;
        c.bar = i;
        call(&c);
    }
    if (c.position > 0.0) {
        trades[count].exit = n - 1;
        trades[count++].exit_price = close[n - 1];
    }
    *final_equity = cash + c.position * close[n - 1];
    return count;
}

/* ---------------------------------------------------------------- the clock of this machine */

/* A chain of dependent integer additions: one a cycle on every processor of interest. */
int64_t chain(int64_t n)
{
    int64_t x = n;
    for (int64_t i = 0; i < n; i++) __asm__ volatile("" : "+r"(x) : "r"(x += 1));
    return x;
}
