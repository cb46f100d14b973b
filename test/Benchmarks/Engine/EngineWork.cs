using System.Diagnostics;
using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace AirMLNet.Benchmarks.Engine;

/// <summary>The work of the engine benchmark in a process of its own, told when to run. engine.py speaks the same words.</summary>
internal static class EngineWork
{
    /// <summary>Sets up, warms up, and answers "go" with the seconds per call, by the clock and of processor time, and "end" with this process's peak in kB.</summary>
    public static void Child(string name, int calls, int warmUps)
    {
        manual_seed(1);
        set_num_threads(1);
        var run = Find(name)(calls);
        for (var k = 0; k < warmUps; k++)
        {
            run();
        }

        Console.WriteLine("ready");
        while (Console.ReadLine() == "go")
        {
            var (clock, busy) = (Stopwatch.StartNew(), Environment.CpuUsage.TotalTime);
            run();
            var (seconds, processor) = (clock.Elapsed.TotalSeconds, (Environment.CpuUsage.TotalTime - busy).TotalSeconds);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{seconds / calls:R} {processor / calls:R}"));
        }

        Console.WriteLine(MemoryBenchmark.PeakKilobytes());
    }

    private static Func<int, Action> Find(string name) => name switch
    {
        "add" => Add,
        "mlp" => Mlp,
        "forward" => Forward,
        _ => Backward,
    };

    private static Action Add(int calls)
    {
        Tensor a = ones(4), b = ones(4);
        return () =>
        {
            for (var k = 0; k < calls; k++)
            {
                (a + b).Dispose();
            }
        };
    }

    private static Action Mlp(int steps)
    {
        var model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10));
        var optimizer = optim.AdamW(model.parameters(), 1e-3, weight_decay: 0.01);
        Tensor x = randn(32, 64), y = randint(10, [32]);
        return () =>
        {
            for (var k = 0; k < steps; k++)
            {
                using var scope = NewDisposeScope();
                optimizer.zero_grad();
                nn.functional.cross_entropy(model.call(x), y).backward();
                optimizer.step();
            }
        };
    }

    private static Action Forward(int passes)
    {
        var model = new EngineVit(224, 32, 768, 12, 12, 512);
        model.eval();
        var x = randn(16, 3, 224, 224);
        return () =>
        {
            using var quiet = no_grad();
            for (var k = 0; k < passes; k++)
            {
                model.call(x).Dispose();
            }
        };
    }

    private static Action Backward(int passes)
    {
        var model = new EngineVit(32, 4, 192, 6, 3, 10);
        Tensor x = randn(64, 3, 32, 32), y = randint(10, [64]);
        return () =>
        {
            for (var k = 0; k < passes; k++)
            {
                using var scope = NewDisposeScope();
                model.zero_grad();
                nn.functional.cross_entropy(model.call(x), y).backward();
            }
        };
    }
}
