using static TorchSharp.torch;

namespace TorchSharp.Modules
{
    public sealed class ReLU6 : ParameterLessModule<Tensor, Tensor>
    {
        internal ReLU6(bool inplace) : base(nameof(ReLU6)) => this.inplace = inplace;

        public bool inplace { get; set; }

        public override Tensor forward(Tensor tensor) => nn.functional.relu6(tensor, inplace);
    }

    public sealed class ELU : ParameterLessModule<Tensor, Tensor>
    {
        internal ELU(double alpha, bool inplace) : base(nameof(ELU)) =>
            (this.alpha, this.inplace) = (alpha, inplace);

        public double alpha { get; set; }

        public bool inplace { get; set; }

        public override Tensor forward(Tensor tensor) => nn.functional.elu(tensor, alpha, inplace);
    }

    public sealed class CELU : ParameterLessModule<Tensor, Tensor>
    {
        internal CELU(double alpha, bool inplace) : base(nameof(CELU)) =>
            (this.alpha, this.inplace) = (alpha, inplace);

        public double alpha { get; set; }

        public bool inplace { get; set; }

        public override Tensor forward(Tensor tensor) => nn.functional.celu(tensor, alpha, inplace);
    }

    public sealed class SELU : ParameterLessModule<Tensor, Tensor>
    {
        internal SELU(bool inplace) : base(nameof(SELU)) => this.inplace = inplace;

        public bool inplace { get; set; }

        public override Tensor forward(Tensor tensor) => nn.functional.selu(tensor, inplace);
    }

    public sealed class Softplus : ParameterLessModule<Tensor, Tensor>
    {
        internal Softplus(double beta, double threshold) : base(nameof(Softplus)) =>
            (this.beta, this.threshold) = (beta, threshold);

        public double beta { get; set; }

        public double threshold { get; set; }

        public override Tensor forward(Tensor tensor) => nn.functional.softplus(tensor, beta, threshold);
    }

    public sealed class Softsign : ParameterLessModule<Tensor, Tensor>
    {
        internal Softsign(bool inplace) : base(nameof(Softsign)) => this.inplace = inplace;

        public bool inplace { get; set; }

        public override Tensor forward(Tensor tensor) => nn.functional.softsign(tensor, inplace);
    }

    public sealed class Softmin : ParameterLessModule<Tensor, Tensor>
    {
        internal Softmin(long dim) : base(nameof(Softmin)) => this.dim = dim;

        public long dim { get; set; }

        public override Tensor forward(Tensor tensor) => nn.functional.softmin(tensor, dim);
    }

    public sealed class LogSoftmax : ParameterLessModule<Tensor, Tensor>
    {
        internal LogSoftmax(long dim) : base(nameof(LogSoftmax)) => this.dim = dim;

        public long dim { get; set; }

        public override Tensor forward(Tensor tensor) => nn.functional.log_softmax(tensor, dim);
    }

    public sealed class LogSigmoid : ParameterLessModule<Tensor, Tensor>
    {
        internal LogSigmoid() : base(nameof(LogSigmoid))
        {
        }

        public override Tensor forward(Tensor tensor) => nn.functional.logsigmoid(tensor);
    }

    public sealed class Softmax2d : ParameterLessModule<Tensor, Tensor>
    {
        internal Softmax2d() : base(nameof(Softmax2d))
        {
        }

        public override Tensor forward(Tensor tensor) => nn.functional.softmax2d(tensor);
    }

    public sealed class Hardtanh : ParameterLessModule<Tensor, Tensor>
    {
        internal Hardtanh(double min_val, double max_val, bool inplace) : base(nameof(Hardtanh)) =>
            (this.min_val, this.max_val, this.inplace) = (min_val, max_val, inplace);

        public double min_val { get; set; }

        public double max_val { get; set; }

        public bool inplace { get; set; }

        public override Tensor forward(Tensor tensor) => nn.functional.hardtanh(tensor, min_val, max_val, inplace);
    }

    public sealed class Hardswish : ParameterLessModule<Tensor, Tensor>
    {
        internal Hardswish(bool inplace) : base(nameof(Hardswish)) => this.inplace = inplace;

        public bool inplace { get; set; }

        public override Tensor forward(Tensor tensor) => nn.functional.hardswish(tensor, inplace);
    }

    public sealed class Hardsigmoid : ParameterLessModule<Tensor, Tensor>
    {
        internal Hardsigmoid(bool inplace) : base(nameof(Hardsigmoid)) => this.inplace = inplace;

        public bool inplace { get; set; }

        public override Tensor forward(Tensor tensor) => nn.functional.hardsigmoid(tensor, inplace);
    }

    public sealed class Mish : ParameterLessModule<Tensor, Tensor>
    {
        internal Mish(bool inplace) : base(nameof(Mish)) => this.inplace = inplace;

        public bool inplace { get; set; }

        public override Tensor forward(Tensor tensor) => nn.functional.mish(tensor, inplace);
    }

    public sealed class Tanhshrink : ParameterLessModule<Tensor, Tensor>
    {
        internal Tanhshrink(bool inplace) : base(nameof(Tanhshrink)) => this.inplace = inplace;

        public bool inplace { get; set; }

        public override Tensor forward(Tensor tensor) => nn.functional.tanhshrink(tensor, inplace);
    }

    public sealed class Softshrink : ParameterLessModule<Tensor, Tensor>
    {
        internal Softshrink(double lambda) : base(nameof(Softshrink)) => this.lambda = lambda;

        public double lambda { get; set; }

        public override Tensor forward(Tensor tensor) => nn.functional.softshrink(tensor, lambda);
    }

    public sealed class Hardshrink : ParameterLessModule<Tensor, Tensor>
    {
        internal Hardshrink(double lambda) : base(nameof(Hardshrink)) => this.lambda = lambda;

        public double lambda { get; set; }

        public override Tensor forward(Tensor tensor) => nn.functional.hardshrink(tensor, lambda);
    }

    public sealed class Threshold : ParameterLessModule<Tensor, Tensor>
    {
        internal Threshold(double threshold, double value, bool inplace) : base(nameof(Threshold)) =>
            (this.threshold, this.value, this.inplace) = (threshold, value, inplace);

        public double threshold { get; set; }

        public double value { get; set; }

        public bool inplace { get; set; }

        public override Tensor forward(Tensor tensor) => nn.functional.threshold(tensor, threshold, value, inplace);
    }

    public sealed class GLU : ParameterLessModule<Tensor, Tensor>
    {
        internal GLU(long dim) : base(nameof(GLU)) => this.dim = dim;

        public long dim { get; set; }

        public override Tensor forward(Tensor tensor) => nn.functional.glu(tensor, dim);
    }

    public sealed class RReLU : ParameterLessModule<Tensor, Tensor>
    {
        internal RReLU(double lower, double upper, bool inplace) : base(nameof(RReLU)) =>
            (this.lower, this.upper, this.inplace) = (lower, upper, inplace);

        public double lower { get; set; }

        public double upper { get; set; }

        public bool inplace { get; set; }

        public override Tensor forward(Tensor tensor) => nn.functional.rrelu(tensor, lower, upper, inplace);
    }

    public sealed class PReLU : nn.Module<Tensor, Tensor>
    {
        private Parameter _weight;

        internal PReLU(long num_parameters, double init, Device device, ScalarType? dtype) : base(nameof(PReLU))
        {
            (this.num_parameters, this.init) = (num_parameters, init);
            weight = new Parameter(full([num_parameters], init, dtype, device));
        }

        public long num_parameters { get; }

        public double init { get; }

        public Parameter weight
        {
            get => _weight;
            set => register_parameter(nameof(weight), _weight = value);
        }

        public override Tensor forward(Tensor tensor) => nn.functional.prelu(tensor, _weight);
    }
}

namespace TorchSharp
{
    using TorchSharp.Modules;

    public static partial class torch
    {
        public static partial class nn
        {
            public static ReLU6 ReLU6(bool inplace = false) => new(inplace);
            public static ELU ELU(double alpha = 1, bool inplace = false) => new(alpha, inplace);
            public static CELU CELU(double alpha = 1, bool inplace = false) => new(alpha, inplace);
            public static SELU SELU(bool inplace = false) => new(inplace);
            public static Softplus Softplus(double beta = 1, double threshold = 20) => new(beta, threshold);
            public static Softsign Softsign() => new(false);
            public static Softsign Softsign(bool inplace) => new(inplace);
            public static Softmin Softmin(long dim) => new(dim);
            public static LogSoftmax LogSoftmax(long dim) => new(dim);
            public static LogSigmoid LogSigmoid() => new();
            public static Softmax2d Softmax2d() => new();
            public static Hardtanh Hardtanh(double min_val = -1, double max_val = 1, bool inplace = false) => new(min_val, max_val, inplace);
            public static Hardswish Hardswish(bool inplace = false) => new(inplace);
            public static Hardsigmoid Hardsigmoid(bool inplace = false) => new(inplace);
            public static Mish Mish() => new(false);
            public static Mish Mish(bool inplace) => new(inplace);
            public static Tanhshrink Tanhshrink() => new(false);
            public static Tanhshrink Tanhshrink(bool inplace = false) => new(inplace);
            public static Softshrink Softshrink(double lambda = 0.5) => new(lambda);
            public static Hardshrink Hardshrink(double lambda = 0.5) => new(lambda);
            public static Threshold Threshold(double threshold, double value, bool inplace = false) => new(threshold, value, inplace);
            public static GLU GLU(long dim = -1) => new(dim);
            public static RReLU RReLU(double lower = 0.125, double upper = 0.3333333333333333, bool inplace = false) => new(lower, upper, inplace);
            public static PReLU PReLU(long num_parameters, double init = 0.25, Device device = null, ScalarType? dtype = null) => new(num_parameters, init, device, dtype);
        }
    }
}
