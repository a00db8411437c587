// y = x / rms. Row.
extern "C" __global__ void rms_norm(const float *x, float *y, Count width) {
    x += blockIdx.x * width;
    y += blockIdx.x * width;
    float squares = 0.0f;
    for (Count c = threadIdx.x; c < width; c += 32) squares += x[c] * x[c];
    float scale = inverse_rms(sum_of_threads(squares), width);
    for (Count c = threadIdx.x; c < width; c += 32) y[c] = x[c] * scale;
}

// dx = (g - y mean(g y)) / rms. Row.
extern "C" __global__ void rms_norm_slope(const float *x, const float *grad, float *dx, Count width) {
    x += blockIdx.x * width;
    grad += blockIdx.x * width;
    dx += blockIdx.x * width;
    float squares = 0.0f, product = 0.0f;
    for (Count c = threadIdx.x; c < width; c += 32) {
        squares += x[c] * x[c];
        product += grad[c] * x[c];
    }
    float scale = inverse_rms(sum_of_threads(squares), width);
    float along = sum_of_threads(product) * scale * scale / (float)width;
    for (Count c = threadIdx.x; c < width; c += 32) dx[c] = (grad[c] - x[c] * along) * scale;
}
