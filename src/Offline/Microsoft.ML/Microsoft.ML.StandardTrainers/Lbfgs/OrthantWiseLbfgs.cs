namespace Microsoft.ML.Trainers;

/// <summary>A function and its gradient at a point.</summary>
/// <param name="x">The point.</param>
/// <param name="gradient">Is filled.</param>
internal delegate double DifferentiableFunction(double[] x, double[] gradient);

/// <summary>
/// Limited-memory BFGS (Nocedal and Wright, Numerical Optimization, algorithm 7.4) with backtracking, and with an L1 term
/// the orthant-wise variant of it (Andrew and Gao, Scalable Training of L1-Regularized Log-Linear Models, 2007).
/// </summary>
internal sealed class OrthantWiseLbfgs
{
    private const double SufficientDecrease = 1e-4;
    private const int MaxBacktracks = 40;

    private readonly DifferentiableFunction _function;
    private readonly int _free;
    private readonly double _l1;
    private readonly bool _nonNegative;
    private readonly int _history;
    private readonly List<(double[] Step, double[] Change, double Rho)> _pairs = [];

    /// <param name="function">The smooth part of the function.</param>
    /// <param name="free">The first so many coordinates (biases) have no L1 term.</param>
    /// <param name="l1">The weight of the sum of the absolute values of the others.</param>
    /// <param name="nonNegative">Whether coordinates stay at or above 0.</param>
    /// <param name="history">How many steps are remembered.</param>
    public OrthantWiseLbfgs(DifferentiableFunction function, int free, double l1, bool nonNegative, int history)
    {
        _function = function;
        _free = free;
        _l1 = l1;
        _nonNegative = nonNegative;
        _history = history;
    }

    /// <summary>Goes downhill from <paramref name="x"/>, which becomes the result.</summary>
    /// <param name="x">The start.</param>
    /// <param name="goesOn">Is asked after each step, with its number from 1 and the values before and after it.</param>
    /// <returns>The value of the function with its L1 term.</returns>
    public double Minimize(double[] x, Func<int, double, double, bool> goesOn)
    {
        int size = x.Length;
        var gradient = new double[size];
        var slope = new double[size];
        var direction = new double[size];
        double value = Value(x, gradient);
        var nextX = new double[size];
        var nextGradient = new double[size];
        for (int iteration = 1; ; iteration++)
        {
            Slope(x, gradient, slope);
            Direction(slope, direction);
            if (_l1 > 0)
            {
                // Keeps to the side on which the L1 term lets the value fall.
                for (int i = _free; i < size; i++)
                {
                    if (direction[i] * slope[i] >= 0)
                        direction[i] = 0;
                }
            }
            double length = Math.Sqrt(Dot(slope, slope));
            if (length == 0)
                return value;
            // Without curvature to go by, the first step has length 1.
            double step = _pairs.Count == 0 ? 1 / length : 1;
            double nextValue = 0;
            bool found = false;
            for (int tries = 0; tries < MaxBacktracks && !found; tries++, step /= 2)
            {
                Move(x, slope, direction, step, nextX);
                nextValue = Value(nextX, nextGradient);
                double decrease = 0;
                for (int i = 0; i < size; i++)
                    decrease += slope[i] * (nextX[i] - x[i]);
                found = nextValue <= value + (SufficientDecrease * decrease) && nextValue < value;
            }
            if (!found)
            {
                if (_pairs.Count == 0)
                    return value;
                // The remembered curvature misleads: starts again from the slope alone.
                _pairs.Clear();
                continue;
            }
            Remember(x, gradient, nextX, nextGradient);
            double before = value;
            value = nextValue;
            nextX.CopyTo(x, 0);
            (gradient, nextGradient) = (nextGradient, gradient);
            if (!goesOn(iteration, before, value))
                return value;
        }
    }

    private double Value(double[] x, double[] gradient)
    {
        double value = _function(x, gradient);
        double sum = 0;
        for (int i = _free; _l1 > 0 && i < x.Length; i++)
            sum += Math.Abs(x[i]);
        return value + (_l1 * sum);
    }

    /// <summary>The gradient with the L1 term; at 0, the side of it on which the value falls, or none.</summary>
    private void Slope(double[] x, double[] gradient, double[] slope)
    {
        for (int i = 0; i < x.Length; i++)
        {
            double l1 = i < _free ? 0 : _l1;
            double g = gradient[i];
            if (x[i] != 0)
                slope[i] = g + (Math.Sign(x[i]) * l1);
            else
                slope[i] = g + l1 < 0 ? g + l1 : g - l1 > 0 ? g - l1 : 0;
            // What would leave the allowed side is no way down.
            if (_nonNegative && x[i] <= 0 && slope[i] > 0)
                slope[i] = 0;
        }
    }

    /// <summary>The two-loop recursion.</summary>
    private void Direction(double[] slope, double[] direction)
    {
        for (int i = 0; i < slope.Length; i++)
            direction[i] = -slope[i];
        if (_pairs.Count == 0)
            return;
        var alphas = new double[_pairs.Count];
        for (int k = _pairs.Count - 1; k >= 0; k--)
        {
            alphas[k] = _pairs[k].Rho * Dot(_pairs[k].Step, direction);
            Add(direction, -alphas[k], _pairs[k].Change);
        }
        (double[] lastStep, double[] lastChange, _) = _pairs[^1];
        double scale = Dot(lastStep, lastChange) / Dot(lastChange, lastChange);
        for (int i = 0; i < direction.Length; i++)
            direction[i] *= scale;
        for (int k = 0; k < _pairs.Count; k++)
            Add(direction, alphas[k] - (_pairs[k].Rho * Dot(_pairs[k].Change, direction)), _pairs[k].Step);
    }

    private void Move(double[] x, double[] slope, double[] direction, double step, double[] next)
    {
        for (int i = 0; i < x.Length; i++)
        {
            double to = x[i] + (step * direction[i]);
            if (_l1 > 0 && i >= _free)
            {
                // A coordinate that would cross 0 stops there.
                double side = x[i] != 0 ? Math.Sign(x[i]) : -Math.Sign(slope[i]);
                if (to * side < 0)
                    to = 0;
            }
            next[i] = _nonNegative && to < 0 ? 0 : to;
        }
    }

    private void Remember(double[] x, double[] gradient, double[] nextX, double[] nextGradient)
    {
        var step = new double[x.Length];
        var change = new double[x.Length];
        for (int i = 0; i < x.Length; i++)
        {
            step[i] = nextX[i] - x[i];
            change[i] = nextGradient[i] - gradient[i];
        }
        double curvature = Dot(step, change);
        if (curvature <= 1e-12 * Dot(change, change))
            return;
        if (_pairs.Count == _history)
            _pairs.RemoveAt(0);
        _pairs.Add((step, change, 1 / curvature));
    }

    private static double Dot(double[] a, double[] b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++)
            sum += a[i] * b[i];
        return sum;
    }

    private static void Add(double[] target, double factor, double[] source)
    {
        for (int i = 0; i < target.Length; i++)
            target[i] += factor * source[i];
    }
}
