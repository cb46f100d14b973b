using TorchSharp.Interop;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        // Activations beyond those that the transformer models use.
        public static partial class functional
        {
            private static readonly Op Elu = new("elu"), EluInPlace = new("elu_"), Celu = new("celu"), CeluInPlace = new("celu_"), Selu = new("selu"), SeluInPlace = new("selu_"),
                Relu6 = new("relu6"), Relu6InPlace = new("relu6_"), LeakyRelu = new("leaky_relu"), LeakyReluInPlace = new("leaky_relu_"), HardtanhOp = new("hardtanh"),
                HardtanhInPlace = new("hardtanh_"), Hardswish = new("hardswish"), HardswishInPlace = new("hardswish_"), Hardsigmoid = new("hardsigmoid"),
                HardsigmoidInPlace = new("hardsigmoid_"), MishOp = new("mish"), MishInPlace = new("mish_"), SoftshrinkOp = new("softshrink"), HardshrinkOp = new("hardshrink"),
                ThresholdOp = new("threshold"), ThresholdInPlace = new("threshold_"), Glu = new("glu"), Prelu = new("prelu"), Rrelu = new("rrelu"), RreluInPlace = new("rrelu_"),
                LogSigmoid = new("log_sigmoid");

            public static Tensor elu(Tensor x, double alpha, bool inplace = false) => inplace ? EluInPlace.InPlace(x, alpha) : Elu.Call(x, alpha);

            public static Tensor celu(Tensor x, double alpha, bool inplace = false) => inplace ? CeluInPlace.InPlace(x, alpha) : Celu.Call(x, alpha);

            public static Tensor selu(Tensor x, bool inplace = false) => inplace ? SeluInPlace.InPlace(x) : Selu.Call(x);

            public static Tensor relu6(Tensor x, bool inplace = false) => inplace ? Relu6InPlace.InPlace(x) : Relu6.Call(x);

            public static Tensor leaky_relu(Tensor input, double negative_slope = 0.01, bool inplace = false) =>
                inplace ? LeakyReluInPlace.InPlace(input, negative_slope) : LeakyRelu.Call(input, negative_slope);

            public static Tensor rrelu(Tensor x, double lower = 0.125, double upper = 0.3333333333333333, bool inplace = false) =>
                inplace ? RreluInPlace.InPlace(x, lower, upper) : Rrelu.Call(x, lower, upper);

            public static Tensor prelu(Tensor input, Tensor weight) => Prelu.Call(input, weight);

            public static Tensor hardtanh(Tensor x, double min_val = -1, double max_val = 1, bool inplace = false) =>
                inplace ? HardtanhInPlace.InPlace(x, min_val, max_val) : HardtanhOp.Call(x, min_val, max_val);

            public static Tensor Hardtanh(Tensor x, double min_val = -1, double max_val = 1, bool inplace = false) => hardtanh(x, min_val, max_val, inplace);

            public static Tensor hardswish(Tensor input, bool inplace = false) => inplace ? HardswishInPlace.InPlace(input) : Hardswish.Call(input);

            public static Tensor hardsigmoid(Tensor input, bool inplace = false) => inplace ? HardsigmoidInPlace.InPlace(input) : Hardsigmoid.Call(input);

            public static Tensor mish(Tensor x, bool inplace = false) => inplace ? MishInPlace.InPlace(x) : MishOp.Call(x);

            public static Tensor Mish(Tensor x) => mish(x);

            public static Tensor softshrink(Tensor x, double lambda = 0.5) => SoftshrinkOp.Call(x, lambda);

            public static Tensor Softshrink(Tensor x, double lambda = 0.5) => softshrink(x, lambda);

            public static Tensor hardshrink(Tensor x, double lambda = 0.5) => HardshrinkOp.Call(x, lambda);

            public static Tensor Hardshrink(Tensor x, double lambda = 0.5) => hardshrink(x, lambda);

            public static Tensor threshold(Tensor x, double threshold, double value, bool inplace = false) =>
                inplace ? ThresholdInPlace.InPlace(x, threshold, value) : ThresholdOp.Call(x, threshold, value);

            public static Tensor Threshold(Tensor x, double threshold, double value, bool inplace = false) => functional.threshold(x, threshold, value, inplace);

            public static Tensor glu(Tensor input, long dim = -1) => Glu.Call(input, dim);

            public static Tensor logsigmoid(Tensor x) => LogSigmoid.Call(x);

            /// <summary>x / (1 + |x|)</summary>
            public static Tensor softsign(Tensor x, bool inplace = false)
            {
                using var bound = x.abs();
                using var divisor = bound + 1;
                return inplace ? x.div_(divisor) : x / divisor;
            }

            public static Tensor Softsign(Tensor x) => softsign(x);

            /// <summary>x - tanh x</summary>
            public static Tensor tanhshrink(Tensor x, bool inplace = false)
            {
                using var shrunk = x.tanh();
                return inplace ? x.sub_(shrunk) : x - shrunk;
            }

            public static Tensor Tanhshrink(Tensor x) => tanhshrink(x);

            public static Tensor SiLU(Tensor x, bool inplace = false) => silu(x, inplace);

            public static Tensor softmin(Tensor x, long dim)
            {
                using var negative = -x;
                return softmax(negative, dim);
            }

            /// <summary>Softmax over the channels of [N, C, H, W] or [C, H, W].</summary>
            public static Tensor softmax2d(Tensor x) =>
                x.ndim is 3 or 4 ? softmax(x, -3) : throw new ArgumentException($"softmax2d needs 3 or 4 dimensions, not {x.ndim}.", nameof(x));
        }
    }
}
