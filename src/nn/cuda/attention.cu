// Edges run from a sender to a receiver; width = heads x part. l: senders, r: receivers, v: the attention vector.

__device__ inline float leak(float x) { return x > 0.0f ? 1.0f : 0.2f; }

// share[e, h] = v . leaky_relu(l + r) over head h. Element: n_edges x heads.
extern "C" __global__ void attention_score(const unsigned *sender, const unsigned *receiver, const float *l,
                                           const float *r, const float *v, float *share, Count n_edges, Count heads,
                                           Count part) {
    Count i = element();
    if (i >= n_edges * heads) return;
    Count e = i / heads, from = i % heads * part, width = heads * part;
    float sum = 0.0f;
    for (Count c = from; c < from + part; c++) {
        float x = l[sender[e] * width + c] + r[receiver[e] * width + c];
        sum += v[c] * x * leak(x);
    }
    share[i] = sum;
}

// Scores to shares: the softmax over the edges of a receiver. Element: n_receivers x heads.
extern "C" __global__ void attention_share(const Count *start, float *share, Count n_receivers, Count heads) {
    Count i = element();
    if (i >= n_receivers * heads) return;
    Count from = start[i / heads] * heads + i % heads, to = start[i / heads + 1] * heads;
    float most = share[from], sum = 0.0f;
    for (Count k = from; k < to; k += heads) most = share[k] > most ? share[k] : most;
    for (Count k = from; k < to; k += heads) {
        share[k] = expf(share[k] - most);
        sum += share[k];
    }
    for (Count k = from; k < to; k += heads) share[k] /= sum;
}

// y = sum over edges of share l. Element: n_receivers x width.
extern "C" __global__ void attention_sum(const Count *start, const unsigned *sender, const float *share, const float *l,
                                         float *y, Count n_receivers, Count heads, Count part) {
    Count i = element(), width = heads * part;
    if (i >= n_receivers * width) return;
    Count receiver = i / width, c = i % width;
    float sum = 0.0f;
    for (Count e = start[receiver]; e < start[receiver + 1]; e++)
        sum += share[e * heads + c / part] * l[sender[e] * width + c];
    y[i] = sum;
}

// slope[e, h] = grad . l over head h: the slope of the share. Element: n_edges x heads.
extern "C" __global__ void attention_share_slope(const unsigned *sender, const unsigned *receiver, const float *l,
                                                 const float *grad, float *slope, Count n_edges, Count heads,
                                                 Count part) {
    Count i = element();
    if (i >= n_edges * heads) return;
    Count e = i / heads, from = i % heads * part, width = heads * part;
    float sum = 0.0f;
    for (Count c = from; c < from + part; c++) sum += grad[receiver[e] * width + c] * l[sender[e] * width + c];
    slope[i] = sum;
}

// Slopes of shares to slopes of scores, through the softmax. Element: n_receivers x heads.
extern "C" __global__ void attention_score_slope(const Count *start, const float *share, float *slope,
                                                 Count n_receivers, Count heads) {
    Count i = element();
    if (i >= n_receivers * heads) return;
    Count from = start[i / heads] * heads + i % heads, to = start[i / heads + 1] * heads;
    float mean = 0.0f;
    for (Count k = from; k < to; k += heads) mean += share[k] * slope[k];
    for (Count k = from; k < to; k += heads) slope[k] = share[k] * (slope[k] - mean);
}

// The gradient of l, over the edges that a sender sends. Element: n_senders x width.
extern "C" __global__ void attention_sender_slope(const Count *start, const unsigned *edge, const unsigned *receiver,
                                                  const float *share, const float *slope, const float *l,
                                                  const float *r, const float *v, const float *grad, float *dl,
                                                  Count n_senders, Count heads, Count part) {
    Count i = element(), width = heads * part;
    if (i >= n_senders * width) return;
    Count sender = i / width, c = i % width;
    float sum = 0.0f;
    for (Count k = start[sender]; k < start[sender + 1]; k++) {
        Count e = edge[k], at = receiver[e] * width + c, h = e * heads + c / part;
        sum += share[h] * grad[at] + slope[h] * v[c] * leak(l[i] + r[at]);
    }
    dl[i] = sum;
}

// The gradient of r, and what each receiver adds to that of v. Element: n_receivers x width.
extern "C" __global__ void attention_receiver_slope(const Count *start, const unsigned *sender, const float *slope,
                                                    const float *l, const float *r, const float *v, float *dr,
                                                    float *dv_part, Count n_receivers, Count heads, Count part) {
    Count i = element(), width = heads * part;
    if (i >= n_receivers * width) return;
    Count receiver = i / width, c = i % width;
    float sum = 0.0f, of_v = 0.0f;
    for (Count e = start[receiver]; e < start[receiver + 1]; e++) {
        float x = l[sender[e] * width + c] + r[i], s = slope[e * heads + c / part] * leak(x);
        sum += s * v[c];
        of_v += s * x;
    }
    dr[i] = sum;
    dv_part[i] = of_v;
}

// The gradient of v: columns of its parts, n_receivers x width. Row: one per column.
extern "C" __global__ void attention_vector_slope(const float *dv_part, float *dv, Count n_receivers) {
    Count width = gridDim.x;
    float sum = 0.0f;
    for (Count i = threadIdx.x; i < n_receivers; i += 32) sum += dv_part[i * width + blockIdx.x];
    sum = sum_of_threads(sum);
    if (threadIdx.x == 0) dv[blockIdx.x] = sum;
}
