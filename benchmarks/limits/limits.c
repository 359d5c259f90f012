/* Hand-written loops, each for exactly one workload: the limit of what this machine could do without a library. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Random walk x_0 ~ N(0, v0), x_t ~ N(x_{t-1}, q), y_t ~ N(x_t, r): Kalman filter, then Rauch, Tung and Striebel.
   Returns the sums that variational updates of a precision need. */
void random_walk(long n, const double *y, double v0, double q, double r, double *mean, double *variance, double *square)
{
    double m = 0.0, v = v0;
    for (long t = 0; t < n; t++) {
        if (t) v += q;
        double gain = v / (v + r);
        m += gain * (y[t] - m);
        v *= 1.0 - gain;
        mean[t] = m;
        variance[t] = v;
    }
    double total = (y[n - 1] - m) * (y[n - 1] - m) + v;
    for (long t = n - 2; t >= 0; t--) {
        double predicted = variance[t] + q, gain = variance[t] / predicted;
        m = mean[t] + gain * (m - mean[t]);
        v = variance[t] + gain * gain * (v - predicted);
        mean[t] = m;
        variance[t] = v;
        total += (y[t] - m) * (y[t] - m) + v;
    }
    *square = total;
}

/* The same with r = 1 / tau, tau ~ Gamma(1, 1), q(x) q(tau). */
void unknown_precision(long n, const double *y, int iterations, double *mean, double *variance, double *shape, double *rate)
{
    double square;
    *shape = 1.0;
    *rate = 1.0;
    for (int k = 0; k < iterations; k++) {
        random_walk(n, y, 100.0, 1.0, *rate / *shape, mean, variance, &square);
        *shape = 1.0 + 0.5 * n;
        *rate = 1.0 + 0.5 * square;
    }
}

#define D 4
#define K 2

static void times(const double a[D][D], const double b[D][D], double out[D][D])
{
    for (int i = 0; i < D; i++)
        for (int j = 0; j < D; j++) {
            double s = 0.0;
            for (int k = 0; k < D; k++) s += a[i][k] * b[k][j];
            out[i][j] = s;
        }
}

static void times_transposed(const double a[D][D], const double b[D][D], double out[D][D])
{
    for (int i = 0; i < D; i++)
        for (int j = 0; j < D; j++) {
            double s = 0.0;
            for (int k = 0; k < D; k++) s += a[i][k] * b[j][k];
            out[i][j] = s;
        }
}

/* out = b S^{-1} for a symmetric positive S, by Cholesky. */
static void divided(const double s[D][D], const double b[D][D], double out[D][D])
{
    double l[D][D];
    for (int i = 0; i < D; i++)
        for (int j = 0; j <= i; j++) {
            double v = s[i][j];
            for (int k = 0; k < j; k++) v -= l[i][k] * l[j][k];
            l[i][j] = i == j ? sqrt(v) : v / l[j][j];
        }
    for (int c = 0; c < D; c++) {
        double x[D];
        for (int i = 0; i < D; i++) {
            x[i] = b[c][i];
            for (int k = 0; k < i; k++) x[i] -= l[i][k] * x[k];
            x[i] /= l[i][i];
        }
        for (int i = D - 1; i >= 0; i--) {
            for (int k = i + 1; k < D; k++) x[i] -= l[k][i] * x[k];
            x[i] /= l[i][i];
        }
        for (int i = 0; i < D; i++) out[c][i] = x[i];
    }
}

/* d = 4, observations of 2: y (n, 2), mean (n, 4), covariance (n, 4, 4). */
void state_space(long n, const double *y, const double A[D][D], const double Q[D][D], const double H[K][D],
                 const double R[K][K], double v0, double (*mean)[D], double (*covariance)[D][D])
{
    double (*pm)[D] = malloc(n * sizeof *pm), (*pc)[D][D] = malloc(n * sizeof *pc);
    double m[D] = {0}, P[D][D] = {{0}}, T[D][D], G[D][D];
    for (int i = 0; i < D; i++) P[i][i] = v0;
    for (long t = 0; t < n; t++) {
        if (t) {
            double moved[D];
            for (int i = 0; i < D; i++) {
                moved[i] = 0.0;
                for (int k = 0; k < D; k++) moved[i] += A[i][k] * m[k];
            }
            memcpy(m, moved, sizeof m);
            times(A, P, T);
            times_transposed(T, A, P);
            for (int i = 0; i < D; i++) for (int j = 0; j < D; j++) P[i][j] += Q[i][j];
        }
        memcpy(pm[t], m, sizeof m);
        memcpy(pc[t], P, sizeof P);
        double PH[D][K], S[K][K], e[K], gain[D][K];
        for (int i = 0; i < D; i++) for (int k = 0; k < K; k++) {
            PH[i][k] = 0.0;
            for (int j = 0; j < D; j++) PH[i][k] += P[i][j] * H[k][j];
        }
        for (int k = 0; k < K; k++) {
            e[k] = y[K * t + k];
            for (int j = 0; j < D; j++) e[k] -= H[k][j] * m[j];
            for (int l = 0; l < K; l++) {
                S[k][l] = R[k][l];
                for (int j = 0; j < D; j++) S[k][l] += H[k][j] * PH[j][l];
            }
        }
        double det = S[0][0] * S[1][1] - S[0][1] * S[1][0];
        for (int i = 0; i < D; i++) {
            gain[i][0] = (PH[i][0] * S[1][1] - PH[i][1] * S[1][0]) / det;
            gain[i][1] = (PH[i][1] * S[0][0] - PH[i][0] * S[0][1]) / det;
        }
        for (int i = 0; i < D; i++) {
            m[i] += gain[i][0] * e[0] + gain[i][1] * e[1];
            for (int j = 0; j < D; j++) P[i][j] -= gain[i][0] * PH[j][0] + gain[i][1] * PH[j][1];
        }
        for (int i = 0; i < D; i++) for (int j = 0; j < i; j++) P[i][j] = P[j][i] = 0.5 * (P[i][j] + P[j][i]);
        memcpy(mean[t], m, sizeof m);
        memcpy(covariance[t], P, sizeof P);
    }
    for (long t = n - 2; t >= 0; t--) {
        double gap[D], U[D][D];
        times_transposed(covariance[t], A, T);
        divided(pc[t + 1], T, G);
        for (int i = 0; i < D; i++) gap[i] = mean[t + 1][i] - pm[t + 1][i];
        for (int i = 0; i < D; i++) for (int k = 0; k < D; k++) mean[t][i] += G[i][k] * gap[k];
        for (int i = 0; i < D; i++) for (int j = 0; j < D; j++) T[i][j] = covariance[t + 1][i][j] - pc[t + 1][i][j];
        times(G, T, U);
        times_transposed(U, G, T);
        for (int i = 0; i < D; i++) for (int j = 0; j < D; j++) covariance[t][i][j] += T[i][j];
    }
    free(pm);
    free(pc);
}

static double digamma(double x)
{
    double shift = 0.0;
    while (x < 10.0) shift -= 1.0 / x++;
    double u = 1.0 / (x * x);
    return shift + log(x) - 0.5 / x - u * (1.0 / 12 - u * (1.0 / 120 - u * (1.0 / 252 - u * (1.0 / 240 - u / 132.0))));
}

/* exp(E log) of Dirichlet columns, indexed [out][in]. */
static void geometric(const double alpha[3][3], double out[3][3])
{
    for (int j = 0; j < 3; j++) {
        double total = digamma(alpha[0][j] + alpha[1][j] + alpha[2][j]);
        for (int i = 0; i < 3; i++) out[i][j] = exp(digamma(alpha[i][j]) - total);
    }
}

/* Hidden Markov model with three states and three symbols, uniform start, Dirichlet columns of A and B with prior one. */
void hidden_markov(long n, const long *y, int iterations, double A[3][3], double B[3][3], double (*state)[3])
{
    double a[3][3], b[3][3], (*forward)[3] = malloc(n * sizeof *forward);
    for (int k = 0; k < iterations; k++) {
        geometric((const double (*)[3])A, a);
        geometric((const double (*)[3])B, b);
        for (long t = 0; t < n; t++) {
            double total = 0.0;
            for (int i = 0; i < 3; i++) {
                double s = t ? a[i][0] * forward[t - 1][0] + a[i][1] * forward[t - 1][1] + a[i][2] * forward[t - 1][2] : 1.0;
                forward[t][i] = s * b[y[t]][i];
                total += forward[t][i];
            }
            for (int i = 0; i < 3; i++) forward[t][i] /= total;
        }
        double back[3] = {1.0, 1.0, 1.0}, pairs[3][3] = {{0}};
        for (int i = 0; i < 3; i++) for (int j = 0; j < 3; j++) B[i][j] = 1.0;
        for (long t = n - 1; t >= 0; t--) {
            double total = 0.0;
            for (int i = 0; i < 3; i++) total += state[t][i] = forward[t][i] * back[i];
            for (int i = 0; i < 3; i++) B[y[t]][i] += state[t][i] /= total;
            if (!t) break;
            double ahead[3], pair[3][3];
            total = 0.0;
            for (int i = 0; i < 3; i++) ahead[i] = b[y[t]][i] * back[i];
            for (int i = 0; i < 3; i++) for (int j = 0; j < 3; j++) total += pair[i][j] = ahead[i] * a[i][j] * forward[t - 1][j];
            for (int i = 0; i < 3; i++) for (int j = 0; j < 3; j++) pairs[i][j] += pair[i][j] / total;
            total = 0.0;
            for (int j = 0; j < 3; j++) total += back[j] = ahead[0] * a[0][j] + ahead[1] * a[1][j] + ahead[2] * a[2][j];
            for (int j = 0; j < 3; j++) back[j] /= total;
        }
        for (int i = 0; i < 3; i++) for (int j = 0; j < 3; j++) A[i][j] = 1.0 + pairs[i][j];
    }
    free(forward);
}

/* Mixture of two normals. means, variances, shapes, rates (2,), weights (2,) Dirichlet; updated in place.
   The exponents of the data are quadratic, so an iteration is one pass with one exponential a row. */
void mixture(long n, const double *y, int iterations, const double *prior_mean, double prior_variance, double *m, double *v,
             double *shape, double *rate, double *alpha, double *second)
{
    for (int k = 0; k < iterations; k++) {
        double c0[2], w[2];
        for (int j = 0; j < 2; j++) {
            w[j] = shape[j] / rate[j];
            c0[j] = digamma(alpha[j]) + 0.5 * (digamma(shape[j]) - log(rate[j])) - 0.5 * w[j] * v[j];
        }
        double n1 = 0.0, s1 = 0.0, q1 = 0.0, s = 0.0, q = 0.0;
        for (long i = 0; i < n; i++) {
            double a = y[i] - m[0], b = y[i] - m[1];
            double r = 1.0 / (1.0 + exp(c0[0] - c0[1] - 0.5 * w[0] * a * a + 0.5 * w[1] * b * b));
            second[i] = r;
            n1 += r;
            s1 += r * y[i];
            q1 += r * y[i] * y[i];
            s += y[i];
            q += y[i] * y[i];
        }
        double count[2] = {n - n1, n1}, sum[2] = {s - s1, s1}, square[2] = {q - q1, q1};
        for (int j = 0; j < 2; j++) {
            alpha[j] = 1.0 + count[j];
            v[j] = 1.0 / (1.0 / prior_variance + w[j] * count[j]);
            m[j] = v[j] * (prior_mean[j] / prior_variance + w[j] * sum[j]);
            shape[j] = 1.0 + 0.5 * count[j];
            rate[j] = 1.0 + 0.5 * (square[j] - 2.0 * m[j] * sum[j] + count[j] * (m[j] * m[j] + v[j]));
        }
    }
}

/* X'X and X'y of n rows of 10. */
void gram(long n, const double (*x)[10], const double *y, double xx[10][10], double xy[10])
{
    memset(xx, 0, 100 * sizeof(double));
    memset(xy, 0, 10 * sizeof(double));
    for (long i = 0; i < n; i++)
        for (int j = 0; j < 10; j++) {
            for (int k = 0; k < 10; k++) xx[j][k] += x[i][j] * x[i][k];
            xy[j] += x[i][j] * y[i];
        }
}

/* new = keep new + (1 - keep) sent, over whole rows so that the compiler can use its vector exp and log.
   The message over a coupling J of incoming log-odds u is 2 atanh(tanh J tanh(u / 2)) = log((e^u s + d) / (e^u d + s)),
   s = 1 + tanh J, d = 1 - tanh J. */
static void send(long n, const double *restrict belief, const double *restrict back, double s, double d, double *restrict sent)
{
    for (long i = 0; i < n; i++) {
        double e = exp(belief[i] - back[i]);
        sent[i] = log((e * s + d) / (e * d + s));
    }
}

static void mix(long n, const double *restrict sent, double keep, double *restrict held)
{
    for (long i = 0; i < n; i++) held[i] = keep * held[i] + (1.0 - keep) * sent[i];
}

/* Flooding sum-product on an Ising grid in log-odds, damped; field and belief (side, side), spins +1 and -1. */
void ising(long side, const double *field, double coupling, int iterations, double damping, double *belief)
{
    long n = side * side;
    double s = 1.0 + tanh(coupling), d = 1.0 - tanh(coupling);
    double *down = calloc(n, sizeof(double)), *up = calloc(n, sizeof(double));
    double *right = calloc(n, sizeof(double)), *left = calloc(n, sizeof(double)), *sent = malloc(4 * n * sizeof(double));
    for (int k = 0; k <= iterations; k++) {
        for (long i = 0; i < n; i++) belief[i] = 2.0 * field[i] + down[i] + up[i] + right[i] + left[i];
        if (k == iterations) break;
        double keep = k ? damping : 0.0;
        send(n, belief, up, s, d, sent);
        send(n, belief, down, s, d, sent + n);
        send(n, belief, left, s, d, sent + 2 * n);
        send(n, belief, right, s, d, sent + 3 * n);
        mix(n - side, sent, keep, down + side);
        mix(n - side, sent + n + side, keep, up);
        for (long r = 0; r < n; r += side) {
            mix(side - 1, sent + 2 * n + r, keep, right + r + 1);
            mix(side - 1, sent + 3 * n + r + 1, keep, left + r);
        }
    }
    free(down);
    free(up);
    free(right);
    free(left);
    free(sent);
}

/* Hierarchical Gaussian filter, two levels: z_t ~ N(z_{t-1}, vz), x_t ~ N(x_{t-1}, exp(kappa z_t + omega)), y_t ~ N(x_t, vy).
   state = (mean, variance) of z and of x, fed back; points and weights are Gauss-Hermite's under N(0, 1). */
void volatility(long n, const double *y, int iterations, double kappa, double omega, double vz, double vy, int points,
                const double *at, const double *weight, double *path)
{
    double zm = 0.0, zv = 1.0, xm = 0.0, xv = 1.0, qm = 0.0, qv = 1.0 + vz;
    for (long t = 0; t < n; t++) {
        double pm = zm, pv = zv + vz, newm = 0.0, newv = 0.0;
        for (int k = 0; k < iterations; k++) {
            double noise = exp(kappa * qm - 0.5 * kappa * kappa * qv + omega);
            /* joint of (x_t, x_{t-1}) given their messages N(y, vy) and N(xm, xv) */
            double spread = xv + noise + vy, ahead = (xv + noise) / spread, behind = xv / spread, gap = y[t] - xm;
            newm = xm + ahead * gap;
            newv = (xv + noise) * (1.0 - ahead);
            double step = (ahead - behind) * gap;
            double psi = step * step + noise - noise * noise / spread;
            double total = 0.0, first = 0.0, second = 0.0, sd = sqrt(pv);
            for (int j = 0; j < points; j++) {
                double z = pm + sd * at[j];
                double w = weight[j] * exp(-0.5 * (kappa * z + psi * exp(-kappa * z - omega)));
                total += w;
                first += w * z;
                second += w * z * z;
            }
            qm = first / total;
            qv = second / total - qm * qm;
        }
        zm = qm;
        zv = qv;
        xm = newm;
        xv = newv;
        path[4 * t] = zm;
        path[4 * t + 1] = zv;
        path[4 * t + 2] = xm;
        path[4 * t + 3] = xv;
    }
}
