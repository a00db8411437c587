// Kinds of loss: 0 squared, 1 weighted (a), 2 fourth power (variance a, third moment b).

// part[k] = the costs of the entries of chunk k. Row.
extern "C" __global__ void loss_cost(Count kind, const float *prediction, const float *target, const float *a,
                                     const float *b, double *part, Count n, Count chunk) {
    double sum = 0.0;
    Count end = (blockIdx.x + 1) * chunk;
    for (Count i = blockIdx.x * chunk + threadIdx.x; i < end && i < n; i += 32) {
        float u = prediction[i] - target[i], cost = u * u;
        if (kind == 1) cost = a[i] * u * u;
        if (kind == 2) cost = u * (u * (u * u + 6.0f * a[i]) + 4.0f * b[i]);
        sum += cost;
    }
    sum = sum_of_threads(sum);
    if (threadIdx.x == 0) part[blockIdx.x] = sum;
}

// The mean of n entries from the sums of their parts. Row: one.
extern "C" __global__ void loss_mean(const double *part, float *mean, Count n_parts, Count n) {
    double sum = 0.0;
    for (Count k = threadIdx.x; k < n_parts; k += 32) sum += part[k];
    sum = sum_of_threads(sum);
    if (threadIdx.x == 0) mean[0] = (float)(sum / (double)(n > 0 ? n : 1));
}

// The slope of the mean cost times the gradient that arrives. Element: n.
extern "C" __global__ void loss_slope(Count kind, const float *prediction, const float *target, const float *a,
                                      const float *b, const float *grad, float *slope, Count n) {
    Count i = element();
    if (i >= n) return;
    float u = prediction[i] - target[i], s = 2.0f * u;
    if (kind == 1) s = 2.0f * a[i] * u;
    if (kind == 2) s = 4.0f * (u * (u * u + 3.0f * a[i]) + b[i]);
    slope[i] = grad[0] / (float)n * s;
}
