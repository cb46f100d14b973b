namespace TorchSharp.Tests;

/// <summary>What <see cref="LoadingTests"/> runs in a process of its own: one tensor, or what prevents it.</summary>
internal static class LoadingProgram
{
    internal const int Refused = 3;

    public static int Main()
    {
        try
        {
            using var one = ones(2);
            Console.WriteLine(one.sum().item<float>());
            return 0;
        }
        catch (Exception e)
        {
            Console.WriteLine($"{e.GetType().Name}: {e.Message}");
            return Refused;
        }
    }
}
